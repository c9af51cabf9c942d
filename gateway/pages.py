"""Where the gateway serves what is no operation of the document: the document, and Swagger UI."""

# Path to methods, as ``AllowedMethods`` takes them.
METHODS = {path: ["get"] for path in ("/", "/openapi.json", "/openapi.yaml", "/ui", "/ui/")}
