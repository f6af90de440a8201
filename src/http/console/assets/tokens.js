// Tokens: made, handed over once, revoked.

import { html, useState, Panel, Table, Empty, Waiting, useQuery, useAction, Form, Field, Mistakes, Chip, Confirm, moment, words } from "./ui.js";

function Secret({ made }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(made.secret);
    setCopied(true);
  };
  return html`<div class="notice good beneath" role="status"><p>The token for ${made.token.name}. It is shown this once: hand it over by a way that only they read; they paste it under “Sign in”.</p>
    <code class="secret">${made.secret}</code>
    ${navigator.clipboard && html`<p class="row more-row"><button onClick=${copy}>${copied ? "Copied" : "Copy"}</button></p>`}</div>`;
}

export function Tokens() {
  const list = useQuery("{ apiTokens(first: 500) { nodes { id name role createdAt lastUsedAt expiresAt revokedAt } } }", {}, { fresh: true });
  const [form, setForm] = useState({ name: "", role: "READER", days: "" });
  const [secret, setSecret] = useState(null);
  const create = useAction("createToken", "mutation($input: CreateTokenInput!) { createToken(input: $input) { secret token { name } userErrors { message field } } }");
  const revoke = useAction("revokeToken", "mutation($id: ID!) { revokeToken(input: { id: $id }) { revokedId userErrors { message } } }");
  const submit = async () => {
    const made = await create.run({ input: { name: form.name, role: form.role, days: form.days ? Number(form.days) : null } });
    if (made) {
      setSecret(made);
      setForm({ ...form, name: "" });
      list.reload();
    }
  };
  const put = (name) => (value) => setForm({ ...form, [name]: value });
  const columns = [
    { label: "Token", lead: true, wrap: true, cell: (t) => html`<strong>${t.name}</strong>`, csv: (t) => t.name },
    { label: "Role", key: true, cell: (t) => words(t.role), csv: (t) => t.role },
    { label: "Made", day: true, prio: 2, cell: (t) => moment(t.createdAt), csv: (t) => t.createdAt },
    { label: "Last used", day: true, prio: 2, cell: (t) => (t.lastUsedAt ? moment(t.lastUsedAt) : html`<span class="muted">not yet</span>`), csv: (t) => t.lastUsedAt },
    { label: "Good", cell: (t) => (t.revokedAt ? html`<${Chip} of="revoked" tone="bad" />` : t.expiresAt ? html`<span class="whole">until ${moment(t.expiresAt)}</span>` : "without end"), csv: [["expires", (t) => t.expiresAt], ["revoked", (t) => t.revokedAt]] },
    { label: "", full: true, cell: (t) => !t.revokedAt && html`<${Confirm} label="Revoke" question=${`Revoke ${t.name}? Whoever uses it is shut out at once.`} confirm="Revoke it" onConfirm=${async () => (await revoke.run({ id: t.id })) && list.reload()} />` },
  ];
  return html`<div class="stack">
    <${Panel} title="A new token">
      <${Form} class="form" errors=${create.errors} onSubmit=${submit}>
        <${Field} label="For whom" required data-missing="A name, so that you know whose it is." path="name" value=${form.name} onInput=${put("name")} />
        <${Field} label="Role" path="role" value=${form.role} onInput=${put("role")} options=${[["READER", "Reader"], ["OPERATOR", "Operator"], ["ADMIN", "Admin"]]} />
        <${Field} label="Days" type="number" min="1" step="1" unit="day" hint="Empty: without end" path="days" value=${form.days} onInput=${put("days")} />
        <div class="go"><button class="primary" disabled=${create.busy}>Make it</button></div>
        <div class="wide"><${Mistakes} /></div>
      <//>
      ${secret && html`<${Secret} key=${secret.secret} made=${secret} />`}
    <//>
    <${Mistakes} errors=${revoke.errors} />
    <${Waiting} query=${list} />
    ${list.data && html`<${Table} label="Tokens" columns=${columns} rows=${list.data.apiTokens.nodes} csv="tokens" empty=${html`<${Empty} title="No tokens yet">ADMIN_TOKEN opens everything; give others tokens of their own.<//>`} />`}
  </div>`;
}
