// Runs in Postman after every answer: holds it to what the contract says of the operation. The
// request is named after its operationId, and the collection's variable `contract` has the rest.
const { operations, components } = JSON.parse(pm.collectionVariables.get("contract"));
const { expected, responses } = operations[pm.info.requestName];
const mediaType = (pm.response.headers.get("Content-Type") || "").split(";")[0];

pm.test("the status is one that is expected", () => {
  pm.expect(pm.response.code).to.be.oneOf(expected);
});

pm.test("the body is as the contract has it", () => {
  const content = responses[pm.response.code];
  pm.expect(content, `the contract's answer ${pm.response.code}`).to.exist;
  if (Object.keys(content).length === 0) {
    pm.expect(pm.response.text()).to.equal("");
    return;
  }
  pm.expect(Object.keys(content)).to.include(mediaType);
  if (mediaType.endsWith("json")) {
    const schema = { ...content[mediaType].schema, components };
    pm.response.to.have.jsonSchema(schema, { nullable: true, unknownFormats: "ignore" });
  }
});
