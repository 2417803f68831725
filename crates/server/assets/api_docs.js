// The API reference: the vendored viewer, given the document that this server makes of what is loaded. Whatever the
// viewer offers that would lead to another host is switched off here, and could not leave the page anyway: see its
// content security policy.
Scalar.createApiReference("#reference", {
  url: "/api/openapi.json",
  // The colours and typefaces are in api_docs.css.
  theme: "none",
  withDefaultFonts: false,
  layout: "modern",
  hideClientButton: true,
  showDeveloperTools: "never",
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  documentDownloadType: "none",
  // A token that was typed in is gone when the page is closed.
  persistAuth: false,
  authentication: { preferredSecurityScheme: "token" },
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
  defaultOpenFirstTag: true,
});
