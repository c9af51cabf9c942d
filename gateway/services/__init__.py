"""Services that plug into the gateway by their own OpenAPI documents, without code.

Each document is read and checked, put into the gateway's words, and merged with the contract into
the one document that is routed, secured, validated and published.
"""
