// Runs that a person names, finds again and deletes: what backtests, sweeps and forecasts share.

import { html, useState, useAction, useRole, Confirm, Dialog, Field, Form, Mistakes, setQuery, go } from "./ui.js";

const KINDS = {
  Backtest: { what: "backtest", list: "/reporting/backtests" },
  Sweep: { what: "sweep", list: "/reporting/sweeps" },
  Prediction: { what: "forecast", list: "/reporting/forecasts" },
};
const naming = (kind) => `mutation($input: Name${kind}Input!) { name${kind}(input: $input) { ${kind.toLowerCase()} { id name } userErrors { message field } } }`;
const deleting = (kind) => `mutation($id: ID!) { delete${kind}(input: { id: $id }) { deletedId userErrors { message } } }`;

function NameForm({ kind, id, name, done, close }) {
  const [text, setText] = useState(name ?? "");
  const save = useAction(`name${kind}`, naming(kind));
  const submit = async () => {
    if (await save.run({ input: { id, name: text.trim() || null } })) {
      close();
      done();
    }
  };
  return html`<${Form} errors=${save.errors} onSubmit=${submit}>
    <h2>Name this ${KINDS[kind].what}</h2>
    <${Field} label="Name" path="name" value=${text} onInput=${setText} maxlength="100" autocomplete="off" autofocus hint="Empty: it goes by its rule" />
    <${Mistakes} />
    <div class="row"><button type="button" onClick=${close}>Cancel</button><button class="primary" disabled=${save.busy}>Save</button></div>
  <//>`;
}

/** A button that names a run. */
export function Naming({ kind, id, name, done }) {
  if (!useRole("OPERATOR")) return null;
  return html`<${Dialog} label=${name ? "Rename…" : "Name…"} title=${`Name this ${KINDS[kind].what}`}>${(close) => html`<${NameForm} kind=${kind} id=${id} name=${name} done=${done} close=${close} />`}<//>`;
}

/** A button that deletes a run and goes to the list. */
export function Deleting({ kind, id, named }) {
  const drop = useAction(`delete${kind}`, deleting(kind));
  if (!useRole("OPERATOR")) return null;
  const { what, list } = KINDS[kind];
  return html`<${Confirm} label="Delete…" question=${`Delete ${named}? It is gone for good; the same inputs make another ${what}.`} confirm="Delete it"
      onConfirm=${async () => (await drop.run({ id })) && go(list)} /><${Mistakes} errors=${drop.errors} />`;
}

/** Deletes several runs of a list, one after the other; gives the mistakes and a function that starts it. */
export function useDeleting(kind, done) {
  const drop = useAction(`delete${kind}`, deleting(kind));
  const all = async (ids) => {
    for (const id of ids) if (!(await drop.run({ id }))) break;
    done();
  };
  return { errors: drop.errors, busy: drop.busy, all };
}

/** What a list searches for, and the one symbol that it may be of. */
export function ListSearch({ text, type, ticker, placeholder = "Name or symbol" }) {
  return html`<div class="form"><${Field} label="Search" type="search" value=${text} onInput=${type} placeholder=${placeholder} />
    ${ticker && html`<div class="go"><button onClick=${() => setQuery({ symbol: "" })} aria-label=${`Not only ${ticker}`}>Only ${ticker} ✕</button></div>`}</div>`;
}
