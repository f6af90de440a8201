// Server-sent events, read as they come.

/** The events of an answer, each with its kind and its data; leaving the loop closes the stream. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const parts = text.split(/\r?\n\r?\n/);
      text = parts.pop();
      for (const part of parts) {
        const lines = part.split(/\r?\n/);
        const kind = lines.find((line) => line.startsWith("event:"))?.slice(6).trim();
        const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
        if (kind) yield { kind, data };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
