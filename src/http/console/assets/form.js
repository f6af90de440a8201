// Forms: every refusal stands at its field, in the field's own words; what no field claims stands above the button.

import { html, useContext, useEffect, useRef, useState, createContext } from "./vendor/preact-htm.js";

const Shown = createContext(null);
let ids = 0;

const dotted = (error) => (Array.isArray(error.field) ? error.field.join(".") : (error.field ?? ""));
const covers = (path, of) => path === of || of.startsWith(`${path}.`);

/** The path, of those that are on the page, that an error belongs to: the nearest one around it. */
function owner(error, paths) {
  const of = dotted(error);
  let best = null;
  if (of) for (const path of paths) if (covers(path, of) && (best === null || path.length > best.length)) best = path;
  return best;
}

/** What is wrong with a field before anything is sent, in words; null if nothing is. */
function fault(element) {
  const { validity } = element;
  const units = (value) => (element.dataset.unit ? ` ${element.dataset.unit}`.replace(Number(value) === 1 ? /s$/ : /^$/, "") : "");
  if (validity.valid) return null;
  if (validity.badInput) return element.type === "date" ? "Type a whole date." : "Type a number.";
  if (validity.valueMissing) return element.dataset.missing ?? "This is needed.";
  if (validity.rangeOverflow) return element.type === "date" ? `Not after ${element.max}.` : `At most ${element.max}${units(element.max)}.`;
  if (validity.rangeUnderflow) return element.type === "date" ? `Not before ${element.min}.` : `At least ${element.min}${units(element.min)}.`;
  if (validity.stepMismatch) return element.step === "1" ? "Type a whole number." : `In steps of ${element.step}${units(element.step)}.`;
  if (validity.patternMismatch) return element.dataset.says ?? "This can't be read.";
  return element.validationMessage;
}

const NONE = [];

/** A form whose fields show their own mistakes; the first one that is wrong gets the focus. */
export function Form({ errors = NONE, onSubmit, children, ...rest }) {
  const form = useRef(null);
  const paths = useRef(new Map()).current;
  const [local, setLocal] = useState({});
  const [attempt, setAttempt] = useState(0);
  const submit = (event) => {
    event.preventDefault();
    const found = {};
    for (const element of event.target.elements) {
      const message = element.id && element.willValidate ? fault(element) : null;
      if (message) found[element.id] = message;
    }
    setLocal(found);
    setAttempt(attempt + 1);
    if (!Object.keys(found).length) onSubmit(event);
  };
  useEffect(() => {
    if (!errors.length && !Object.keys(local).length) return;
    const field = form.current?.querySelector("[aria-invalid=true]");
    if (field) field.focus();
    // What is wrong with several fields together may stand far above or below the button.
    else form.current?.querySelector("[role=alert]")?.scrollIntoView({ block: "nearest" });
  }, [errors, attempt]);
  const shown = {
    local,
    register: (id, path) => {
      paths.set(id, path);
      return () => paths.delete(id);
    },
    of: (path) => (path ? errors.filter((error) => owner(error, new Set(paths.values())) === path) : []),
    left: () => errors.filter((error) => owner(error, new Set(paths.values())) === null),
    forget: (id) => local[id] && setLocal(({ [id]: _, ...others }) => others),
  };
  return html`<${Shown.Provider} value=${shown}><form ref=${form} novalidate onSubmit=${submit} ...${rest}>${children}</form><//>`;
}

function useMistakes(path, id) {
  const shown = useContext(Shown);
  useEffect(() => (path && shown ? shown.register(id, path) : undefined), [path, id]);
  return shown?.of(path) ?? [];
}

/** A field with its label. `path` is that of the input which it fills, `says` what it says of any refusal, in its own unit. */
export function Field({ label, path, hint, children, says, unit, type = "text", value, onInput, options, class: kind = "", quiet, ...rest }) {
  const id = useRef(`f${++ids}`).current;
  const shown = useContext(Shown);
  const refused = useMistakes(path, id);
  const own = shown?.local[id] ?? (refused.length ? (says ?? refused.map((error) => error.message).join(" ")) : null);
  // A browser writes dates in its own order of day and month; the console writes them so.
  if (type === "date" && value) hint = value;
  const described = own || hint ? `${id}-d` : undefined;
  const shared = {
    id,
    value,
    "aria-invalid": own ? "true" : undefined,
    "aria-describedby": described,
    "aria-label": quiet ? label : undefined,
    "data-unit": unit,
    "data-says": says,
    onInput: (event) => {
      shown?.forget(id);
      onInput(event.target.value);
    },
    ...rest,
  };
  return html`<div class=${`field ${kind}`}>
    ${!quiet && html`<label for=${id}>${label}</label>`}
    ${options
      ? html`<select ...${shared} onChange=${shared.onInput}>
          ${options.map(([name, text]) => html`<option key=${name} value=${name} selected=${String(name) === String(value)}>${text}</option>`)}
        </select>`
      : html`<input type=${type} ...${shared} />`}
    ${described && html`<div id=${described} class=${own ? "error" : "hint"} role=${own ? "alert" : undefined}>${own ?? hint}</div>`}
    ${children}
  </div>`;
}

/** Where the mistakes of a group of fields stand, such as those of a range or of a whole condition. */
export function Mistake({ path }) {
  const id = useRef(`g${++ids}`).current;
  const found = useMistakes(path, id);
  return found.length ? html`<div class="error" role="alert">${found.map((error) => error.message).join(" ")}</div>` : null;
}

export function Check({ label, checked, onInput }) {
  return html`<label class="check"><input type="checkbox" checked=${checked} onChange=${(e) => onInput(e.target.checked)} /> ${label}</label>`;
}

/** Mistakes that no field of the form shows; outside a form, those that are given. */
export function Mistakes({ errors }) {
  const shown = useContext(Shown);
  const left = errors ?? shown?.left() ?? [];
  if (!left.length) return null;
  return html`<div class="notice bad" role="alert">${left.map((error) => error.message).join(" ")}</div>`;
}

/** A percentage typed as such, as the share that the API takes. */
export const shareOf = (text) => (String(text).trim() === "" ? null : Number((Number(text) / 100).toPrecision(12)));
/** A share as the percentage that a person types. */
export const percentOf = (share) => (share === null || share === undefined ? "" : String(Number((share * 100).toPrecision(12))));
