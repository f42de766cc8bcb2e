// A partner's program against the generated types: it has to compile under `strict`, not to run.
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.js";

// The media types narrow the answers: whoever asks for `fields` reads `application/vnd.nqpf.sparse+json`.
const client = createClient<paths, "application/json" | "application/problem+json">({
  baseUrl: "https://example.org",
});

type Bulletin = components["schemas"]["Bulletin"];

export async function headings(slug: string): Promise<string[]> {
  const { data, error } = await client.GET("/v1/bulletins/{slug}", { params: { path: { slug } } });
  if (error) {
    throw new Error(`${error.type}: ${error.detail}`);
  }
  const bulletin: Bulletin = data;
  return bulletin.sections.map((section) => section.heading);
}

export async function* everything(tag: string): AsyncGenerator<string> {
  let cursor: string | undefined;
  do {
    const { data } = await client.GET("/v1/sections", {
      params: { query: { tag: [tag], "tag.not": ["softbank"], from: "2026-01-01", limit: 200, cursor } },
    });
    const page: components["schemas"]["Page_Section_"] | undefined = data;
    for (const section of page?.items ?? []) {
      yield `${section.bulletin.slug} ${section.heading}`;
    }
    cursor = page?.next ?? undefined;
  } while (cursor);
}

export async function trends(): Promise<Map<string, number>> {
  const { data } = await client.GET("/v1/tags/trending", { params: { query: { kind: "topic" } } });
  return new Map(data?.items.map((item) => [item.tag.slug, item.score]));
}

export async function mistakes(): Promise<void> {
  // @ts-expect-error there is no such parameter
  await client.GET("/v1/bulletins", { params: { query: { colour: "red" } } });
  // @ts-expect-error there is no such order
  await client.GET("/v1/bulletins", { params: { query: { order: "title" } } });
  // @ts-expect-error there is no such address
  await client.GET("/v1/nothing");
}
