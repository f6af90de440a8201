// Models: what each promises and held; for administrators: which is the default, their names, and deleting them.

import { html, useState, Panel, Table, Waiting, useQuery, useAction, Confirm, Dialog, Field, Form, Mistakes, Chip, percent, moment, whole, words } from "./ui.js";

export const MODELS = `{ models { id name version kind source trainedOn trainedAt isDefault available unavailableReason evaluation { origins skill coverage80 coverage95 } } }`;
const PAYLOAD = "model { id } userErrors { message field }";
const CHOOSE = `mutation($id: ID!) { setDefaultModel(input: { id: $id }) { ${PAYLOAD} } }`;
const RENAME = `mutation($input: RenameModelInput!) { renameModel(input: $input) { ${PAYLOAD} } }`;
const DELETE = "mutation($id: ID!) { deleteModel(input: { id: $id }) { deletedModelId userErrors { message } } }";

const SOURCES = { SHIPPED: "Ships with the service", FILE: "A file of the service's", TRAINED: "Trained here" };

/** The models as rows; `actions` gives a row's buttons, if there are any. */
export function ModelTable({ models, actions }) {
  const columns = [
    {
      label: "Model", lead: true, wrap: true, csv: [["model", (m) => m.name], ["version", (m) => m.version], ["trained on", (m) => m.trainedOn], ["default", (m) => m.isDefault]],
      cell: (m) => html`<strong>${m.name}</strong> ${m.isDefault && html`<${Chip} of="default" tone="good" />`} ${!m.available && html`<${Chip} of="not usable" tone="bad" />`}<div class="small muted">${whole(m.unavailableReason ?? m.trainedOn)}</div>`,
    },
    { label: "Comes from", prio: 2, cell: (m) => html`${SOURCES[m.source] ?? "–"}<div class="small muted">${words(m.kind)}</div>`, csv: [["comes from", (m) => m.source], ["kind", (m) => m.kind]] },
    {
      label: "Skill on unseen data", num: true, key: true, csv: (m) => m.evaluation?.skill,
      // Skill is measured against it.
      cell: (m) => (m.kind === "NAIVE" ? html`<span class="muted" title="The others' skill is what they do better than this">the yardstick</span>` : m.evaluation ? percent(m.evaluation.skill) : html`<span class="muted" title="Nobody has measured it on data that it was not fitted to; each of its forecasts says how it did on the symbol's own history">with each forecast</span>`),
    },
    { label: "In 80 % band", num: true, prio: 2, cell: (m) => percent(m.evaluation?.coverage80), csv: (m) => m.evaluation?.coverage80 },
    { label: "Trained", day: true, prio: 3, cell: (m) => moment(m.trainedAt), csv: (m) => m.trainedAt },
    ...(actions ? [{ label: "", full: true, cell: actions }] : []),
  ];
  return html`<${Table} label="Models" columns=${columns} rows=${models} csv="models" all=${async () => models} />`;
}

function RenameForm({ model, done, close }) {
  const [name, setName] = useState(model.name);
  const save = useAction("renameModel", RENAME);
  const submit = async () => {
    if (!(await save.run({ input: { id: model.id, name: name.trim() } }))) return;
    close();
    done(`${model.name} is now called ${name.trim()}.`);
  };
  return html`<${Form} errors=${save.errors} onSubmit=${submit}>
    <h2>Rename ${model.name}</h2>
    <${Field} label="Name" path="name" required data-missing="A name is needed." maxlength="200" autocomplete="off" autofocus value=${name} onInput=${setName} />
    <${Mistakes} />
    <div class="row"><button type="button" onClick=${close}>Cancel</button><button class="primary" disabled=${save.busy}>Save</button></div>
  <//>`;
}

/** The administrators' page of models; those that were trained here are renamed and deleted. */
export function Models() {
  const list = useQuery(MODELS);
  const [said, setSaid] = useState(null);
  const choose = useAction("setDefaultModel", CHOOSE);
  const drop = useAction("deleteModel", DELETE);
  const done = (message) => {
    setSaid(message);
    list.reload();
  };
  // A mistake must not stand beside what the press before it has done.
  const act = async (action, model, message) => {
    setSaid(null);
    if (await action.run({ id: model.id })) done(message);
  };
  const actions = (m) => html`<div class="row">
    ${!m.isDefault && m.available && html`<button disabled=${choose.busy} aria-label=${`Make default: ${m.name}`} onClick=${() => act(choose, m, `${m.name} is the default: a forecast that names no model asks it.`)}>Make default</button>`}
    ${m.source === "TRAINED" && html`<${Dialog} label="Rename…" title=${`Rename ${m.name}`}>${(close) => html`<${RenameForm} model=${m} done=${done} close=${close} />`}<//>`}
    ${m.source === "TRAINED" && !m.isDefault && html`<${Confirm} label="Delete…" question=${`Delete the model ${m.name}? It is gone for good; training makes another.`} confirm="Delete it" onConfirm=${() => act(drop, m, `${m.name} is deleted.`)} />`}
  </div>`;
  return html`<div class="stack">
    ${said && html`<div class="notice good" role="status">${said}</div>`}
    <${Mistakes} errors=${[...choose.errors, ...drop.errors]} />
    <${Panel} title="Models"><${Waiting} query=${list} />${list.data && html`<${ModelTable} models=${list.data.models} actions=${actions} />`}<//>
  </div>`;
}
