import 'nestjs-llm-router';

// The surfaces of this application, for the compiler: a misspelt one is red in the editor, before the boot says so.
declare module 'nestjs-llm-router' {
  interface LlmSurfaces {
    support: true;
    drafts: true;
  }
}
