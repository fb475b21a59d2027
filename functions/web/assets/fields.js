// The fields of a form: what is typed is kept in `typed`, what is wrong is said beside the field.

import { el, put } from './dom.js';

/** Makes fields whose values are those of `typed`, both ways; `onChange` is called after each change. */
export function fieldset(typed, onChange) {
  const problems = new Map();
  const controls = new Map();

  function input(id, properties, name = 'input') {
    const control = el(name, {
      id,
      name: id,
      autocomplete: 'off',
      'aria-describedby': `${id}-problem`,
      value: typed[id],
      ...properties,
      oninput: () => {
        typed[id] = control.value;
        onChange();
      },
    });
    controls.set(id, control);
    return control;
  }

  function field(id, label, ...inside) {
    problems.set(id, el('p.problem', { id: `${id}-problem`, role: 'alert' }));
    return el('div.field', { 'data-field': id }, label, inside, problems.get(id));
  }

  function say(id, text) {
    put(problems.get(id), text);
    controls.get(id).setAttribute('aria-invalid', 'true');
    problems.get(id).closest('details')?.setAttribute('open', '');
  }

  function clear() {
    for (const [id, problem] of problems) {
      put(problem);
      controls.get(id).removeAttribute('aria-invalid');
    }
  }

  return { input, field, say, clear };
}

/** One of several, as buttons that keep their state: `options` are `[value, what is shown…]`. */
export function choice(typed, name, options, label, onChange) {
  const buttons = options.map(([value, ...shown]) => {
    const onclick = () => {
      typed[name] = value;
      buttons.forEach((button) => button.setAttribute('aria-pressed', button.dataset.value === String(value)));
      onChange();
    };
    const properties = { type: 'button', 'aria-pressed': typed[name] === value, 'data-value': value, onclick };
    return el('button', properties, shown);
  });
  return el(`div.choice.choose-${name}`, { role: 'group', 'aria-label': label }, buttons);
}
