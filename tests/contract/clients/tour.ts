// The README's tour, by the types that openapi-typescript makes of the contract (`schema.d.ts`) and
// openapi-fetch. Arguments: the gateway's URL, an API key, and a file with what a Home Assistant
// knows.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";

import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema.js";

type Device = components["schemas"]["Device"];
type Problem = components["schemas"]["Problem"];
type Doorstep = Client<paths>;

/** The answer's data, which its status says to be there. */
function told<T>(answer: { data?: T; error?: unknown; response: Response }, status: number): T {
  assert.equal(answer.response.status, status, JSON.stringify(answer.error));
  assert(answer.data !== undefined);
  return answer.data;
}

function refused(answer: { error?: Problem; response: Response }, status: number): Problem {
  assert.equal(answer.response.status, status);
  assert(answer.error !== undefined);
  return answer.error;
}

const hallLight = { params: { path: { identifier: "hall-light-1" } } };

async function aDevice(client: Doorstep): Promise<void> {
  const made: Device = told(
    await client.POST("/v1/devices", {
      body: {
        identifier: "hall-light-1",
        name: "Hall light",
        device_type: "light",
        manufacturer: "Signify",
        connections: [{ type: "mac", value: "00-17-88-0A-0B-0C" }],
      },
    }),
    201,
  );
  assert.deepEqual(made.connections, [{ type: "mac", value: "00:17:88:0a:0b:0c" }]);

  const read = await client.GET("/v1/devices/{identifier}", hallLight);
  assert.deepEqual(told(read, 200), made);
  const tag = read.response.headers.get("ETag");
  assert(tag !== null);
  const known = { path: hallLight.params.path, header: { "If-None-Match": tag } };
  const same = await client.GET("/v1/devices/{identifier}", { params: known });
  assert.equal(same.response.status, 304);

  const ifNobodyElseHas = { path: hallLight.params.path, header: { "If-Match": tag } };
  const patched = told(
    await client.PATCH("/v1/devices/{identifier}", {
      params: ifNobodyElseHas,
      body: { sw_version: "1.110.0", manufacturer: null },
    }),
    200,
  );
  assert.deepEqual([patched.revision, patched.sw_version], [2, "1.110.0"]);
  assert.equal(patched.manufacturer, undefined);
  const late = { params: ifNobodyElseHas, body: { name: "x" } };
  refused(await client.PATCH("/v1/devices/{identifier}", late), 412);
}

async function aMistake(client: Doorstep): Promise<void> {
  const body = { name: "", device_type: "Light" };
  const problem = refused(await client.POST("/v1/devices", { body }), 400);
  const pointers = new Set(problem.errors?.map((each) => each.pointer));
  assert.deepEqual(pointers, new Set(["/name", "/device_type"]));
}

async function aHome(client: Doorstep): Promise<void> {
  const once = { header: { "Idempotency-Key": "tour-1" } };
  const ann = { identifier: "ann", name: "Ann" };
  for (const _ of ["sent", "sent again"]) {
    const customer = told(await client.POST("/v1/customers", { params: once, body: ann }), 201);
    assert.equal(customer.revision, 1);
  }
  const home = { name: "Ann at home", customer_id: "ann", country_code: "NL" };
  const path = { identifier: "ann-home" };
  told(await client.PUT("/v1/homes/{identifier}", { params: { path }, body: home }), 201);
  const body = { home_id: "ann-home" };
  told(await client.PATCH("/v1/devices/{identifier}", { ...hallLight, body }), 200);
}

async function homeAssistant(client: Doorstep, file: string): Promise<void> {
  const body: components["schemas"]["HomeAssistantImport"] = JSON.parse(readFileSync(file, "utf8"));
  for (const dry_run of [true, false]) {
    const params = { query: { home_id: "ann-home", dry_run } };
    const report = told(await client.POST("/v1/imports/home-assistant", { params, body }), 200);
    assert.deepEqual([report.dry_run, report.counts.created], [dry_run, 4]);
  }
  const query = { home_id: ["ann-home"] };
  assert(told(await client.GET("/v1/areas", { params: { query } }), 200).items.length > 0);
  const twice = told(await client.GET("/v1/duplicates/devices"), 200);
  assert(twice.items[0]?.devices.includes("hall-light-1"));
}

async function lists(client: Doorstep): Promise<void> {
  const seen: string[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const query = { device_type: ["light", "lock"], limit: 1, cursor };
    const page = told(await client.GET("/v1/devices", { params: { query } }), 200);
    seen.push(...page.items.map((each) => each.identifier));
    cursor = page.next;
  }
  assert(seen.length > 1 && new Set(seen).size === seen.length);
  const query = { q: "hall", sort: "-updated_at", fields: "name,sw_version" };
  const some = told(await client.GET("/v1/devices", { params: { query } }), 200);
  assert.equal(some.items[0]?.device_type, undefined);
}

async function outAndIn(client: Doorstep): Promise<void> {
  const query = { device_type: ["light"] };
  const exported = told(await client.GET("/v1/exports/devices", { params: { query } }), 200);
  assert(typeof exported === "object"); // and not the text that CSV and NDJSON are
  const { items } = exported;
  const report = told(await client.POST("/v1/imports/devices", { body: { items } }), 200);
  assert("dry_run" in report && report.counts.unchanged === items.length && items.length > 0);

  const headers = { Accept: "text/csv" };
  const table = told(await client.GET("/v1/exports/devices", { headers, parseAs: "text" }), 200);
  assert(table.startsWith("identifier,"));
  const again = await client.POST("/v1/imports/devices", {
    body: table,
    bodySerializer: (body) => body,
    headers: { "Content-Type": "text/csv" },
  });
  const ofTheTable = told(again, 200);
  assert("dry_run" in ofTheTable && ofTheTable.counts.rejected === 0);
}

async function whatChanged(client: Doorstep): Promise<void> {
  const by = { query: { by: "device_type,status" } };
  assert(told(await client.GET("/v1/summaries/devices", { params: by }), 200).total > 1);
  const history = told(await client.GET("/v1/devices/{identifier}/history", hallLight), 200);
  assert.deepEqual(new Set(history.items.map((each) => each.data.revision)), new Set([1, 2, 3]));
  const feed = { query: { kind: ["devices" as const], limit: 2 } };
  assert.equal(told(await client.GET("/v1/changes", { params: feed }), 200).items.length, 2);
  const all = { query: { kind: ["devices" as const], after: "start", duration: 0 } };
  const stream = await client.GET("/v1/changes/stream", { params: all, parseAs: "text" });
  assert(told(stream, 200).includes('"hall-light-1"'));
}

/** The client of somebody who may only read. */
async function aReader(baseUrl: string, key: string): Promise<Doorstep> {
  const [id, ...secret] = key.split("_").slice(1);
  const anybody = createClient<paths>({ baseUrl });
  const sent = await anybody.POST("/oauth/token", {
    body: { grant_type: "client_credentials", scope: "devices:read" },
    headers: {
      Authorization: `Basic ${btoa(`${id}:${secret.join("_")}`)}`,
      "Content-Type": "application/x-www-form-urlencoded",
    },
  });
  const headers = { Authorization: `Bearer ${told(sent, 200).access_token}` };
  return createClient<paths>({ baseUrl, headers });
}

async function awayAndBack(client: Doorstep, reader: Doorstep): Promise<void> {
  told(await reader.GET("/v1/devices/{identifier}", hallLight), 200);
  refused(await reader.DELETE("/v1/devices/{identifier}", hallLight), 403);
  const gone = await client.DELETE("/v1/devices/{identifier}", hallLight);
  assert.equal(gone.response.status, 204);
  refused(await client.GET("/v1/devices/{identifier}", hallLight), 404);
  const back = told(await client.POST("/v1/devices/{identifier}/restore", hallLight), 200);
  assert.equal(back.home_id, "ann-home");
}

const [baseUrl = "", key = "", file = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { "X-API-Key": key } });
assert.equal((await client.GET("/health/ready")).response.status, 200);
await aDevice(client);
await aMistake(client);
await aHome(client);
await homeAssistant(client, file);
await lists(client);
await outAndIn(client);
await whatChanged(client);
await awayAndBack(client, await aReader(baseUrl, key));
