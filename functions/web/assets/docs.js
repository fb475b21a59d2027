// The API's documents, drawn from /openapi.json: the same document that programs read and that a test holds to the code.

import { api } from './api.js';
import { el, put } from './dom.js';
import { table } from './table.js';

const METHODS = ['get', 'post', 'put', 'delete'];
const app = document.querySelector('#app');

/** Text in which `this` is code. */
const prose = (text) => (text ?? '').split('`').map((part, place) => (place % 2 ? el('code', part) : part));

function draw(spec) {
  const at = (ref) =>
    ref
      .slice(2)
      .split('/')
      .reduce((node, part) => node?.[part.replaceAll('~1', '/')], spec);
  const found = (node) => (node?.$ref ? at(node.$ref) : node);
  const calls = Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      path,
      method,
      call: item[method],
      parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(found),
    })),
  );
  const anchor = ({ path, method }) => `${method}${path.replace(/[^\w]+/g, '-')}`;
  put(
    app,
    el(
      'header',
      el('h1', `${spec.info.title} ${spec.info.version}`),
      el('p', prose(spec.info.description)),
      el('p', el('a', { href: '/openapi.json' }, 'openapi.json'), ` (OpenAPI ${spec.openapi})`),
    ),
    el(
      'nav',
      { 'aria-label': 'Calls' },
      el(
        'ul',
        calls.map((one) => el('li', el('a', { href: `#${anchor(one)}` }, `${one.method.toUpperCase()} ${one.path}`))),
      ),
    ),
    el(
      'main',
      spec.tags.flatMap((tag) => [
        el('h2', tag.name),
        el('p', prose(tag.description)),
        ...calls.filter(({ call }) => call.tags.includes(tag.name)).map((one) => section(one)),
      ]),
      el('h2', 'Errors'),
      errors(),
      el('h2', 'Schemas'),
      Object.entries(spec.components.schemas).map(([name, schema]) =>
        el(
          'section.call',
          { id: `schema-${name}` },
          el('h3', name),
          el('p', prose(schema.description)),
          fields(schema),
        ),
      ),
    ),
  );
  document.getElementById(location.hash.slice(1))?.scrollIntoView();

  function section({ path, method, call, parameters, ...rest }) {
    const body = found(call.requestBody)?.content?.['application/json'];
    const security = (call.security ?? spec.security).flatMap((one) => Object.keys(one));
    return el(
      'section.call',
      { id: anchor({ path, method, ...rest }) },
      el('h3', el(`span.method.${method}`, method.toUpperCase()), el('code', path)),
      el('p', el('b', call.summary)),
      call.description && el('p', prose(call.description)),
      el('p', el('small', security.length ? `Bearer token: ${security.join(', ')}` : 'No token')),
      parameters.length > 0 && [
        el('h4', 'Parameters'),
        table(
          ['', '', ''],
          parameters.map((one) => [
            el('code', one.name),
            `${one.in}, ${type(one.schema)}${one.required ? '' : ', optional'}`,
            el('span', prose(one.description)),
          ]),
        ),
      ],
      el('h4', 'Request'),
      request(path, method, { parameters, body, isOpen: security.length === 0 }),
      body && fields(body.schema),
      el('h4', 'Answers'),
      Object.entries(call.responses).map(([status, answer]) => answerOf(status, found(answer))),
    );
  }

  /** The request as a command, to be copied: with the examples of what must be there, and a token in `$TOKEN`. */
  function request(path, method, { parameters, body, isOpen }) {
    const filled = parameters
      .filter((one) => one.in === 'path')
      .reduce((text, one) => text.replace(`{${one.name}}`, encodeURIComponent(one.example)), path);
    const query = parameters
      .filter((one) => one.in === 'query' && one.required)
      .map((one) => `${one.name}=${encodeURIComponent(one.example)}`);
    const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
    const command = [
      `curl -X ${method.toUpperCase()} ${quoted([location.origin + filled, ...query].join('?'))}`,
      !isOpen && '-H "authorization: Bearer $TOKEN"',
      body && `-H 'content-type: application/json'`,
      body && `-d ${quoted(JSON.stringify(body.example))}`,
    ];
    const text = command.filter(Boolean).join(' \\\n  ');
    const code = el('pre', { tabindex: 0 }, text);
    const copy = async () => {
      getSelection().selectAllChildren(code);
      // Without a secure origin, or leave, there is no clipboard; then it is selected, to be copied by hand.
      const isCopied = await navigator.clipboard?.writeText(text).then(
        () => true,
        () => false,
      );
      button.textContent = isCopied ? 'copied' : 'selected';
    };
    const button = el('button.copy', { type: 'button', onclick: copy }, 'copy');
    return el('div.request', code, button);
  }

  function answerOf(status, answer) {
    const content = Object.values(answer.content ?? {})[0];
    return el(
      'div',
      el('p', el('b', status), ' ', prose(answer.description)),
      status < 300 && content && [fields(content.schema), examples(content)],
    );
  }

  function examples(content) {
    const all = content.examples
      ? Object.values(content.examples).map((one) => found(one).value)
      : [content.example].filter((one) => one !== undefined);
    return all.map((value) =>
      el('pre', { tabindex: 0 }, typeof value === 'string' ? value : JSON.stringify(value, null, 2)),
    );
  }

  function fields(schema) {
    const name = schema?.$ref?.split('/').at(-1);
    const inner = found(schema);
    if (!inner?.properties) return el('p', el('small', inner ? type(schema) : ''));
    const rows = Object.entries(inner.properties).map(([field, one]) => [
      el('code', field),
      `${type(one)}${inner.required?.includes(field) ? '' : ', optional'}`,
      el('span', prose(one.description ?? found(one).description)),
    ]);
    return el(
      'div',
      name && el('p', el('a', { href: `#schema-${name}` }, name)),
      table(['Field', 'Type', 'Meaning'], rows),
    );
  }

  function type(schema) {
    if (!schema) return '';
    if (schema.$ref) return schema.$ref.split('/').at(-1);
    if (schema.oneOf ?? schema.anyOf) return (schema.oneOf ?? schema.anyOf).map(type).join(' or ');
    if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
    if ('const' in schema) return JSON.stringify(schema.const);
    const plain = [schema.type].flat().join(' or ');
    const bounds = [
      schema.minimum !== undefined && `≥ ${schema.minimum}`,
      schema.maximum !== undefined && `≤ ${schema.maximum}`,
      schema.maxLength !== undefined && `at most ${schema.maxLength} characters`,
      schema.maxItems !== undefined && `at most ${schema.maxItems}`,
    ].filter(Boolean);
    return `${schema.type === 'array' ? `list of ${type(schema.items)}` : plain}${bounds.length ? ` (${bounds.join(', ')})` : ''}`;
  }

  function errors() {
    return table(
      ['Status', 'Code', 'Meaning'],
      spec['x-errors'].map((one) => [String(one.status), el('code', one.code), el('span', prose(one.meaning))]),
    );
  }
}

api()('GET', '/openapi.json').then(draw, (refusal) =>
  put(app, el('p.problem', { role: 'alert' }, `The document cannot be read (${refusal.code}): reload the page.`)),
);
