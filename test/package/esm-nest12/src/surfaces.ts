declare module 'nestjs-llm-router' {
  interface LlmSurfaces {
    support: true;
    drafts: true;
  }
}

export {};
