/**
 * What of an answer of the control API a newer JSON Schema takes away: fields that are gone or of another kind, fields that were always there
 * and may now be absent, words that can't come any more. What is new is no break. Knows the parts of JSON Schema that make-schemas.mjs writes.
 */

/** The schema that a `$ref` leads to within its document. */
function resolve(schema, document) {
  const name = /^#\/\$defs\/(.+)$/.exec(schema.$ref ?? '')?.[1];
  return name === undefined ? schema : resolve(document.$defs[name], document);
}

const ordinal = (n) => `${n}${['st', 'nd', 'rd'][n - 1] ?? 'th'}`;
const words = ({ const: one, enum: many }) => many ?? (one === undefined ? undefined : [one]);

/** Each break as `where: what`; none: programs that read the older answer read the newer one. */
export function breaks(older, newer) {
  /** What was found of pairs that were compared; nothing yet of those that are being compared, as types may hold themselves. */
  const found = new Map();
  const compare = (before, after, where) => {
    const [was, is] = [resolve(before, older), resolve(after, newer)];
    const known = found.get(was) ?? new Map();
    if (known.has(is)) return known.get(is);
    found.set(was, known.set(is, []));
    const list = differences(was, is, where);
    known.set(is, list);
    return list;
  };
  const differences = (was, is, where) => {
    if (was.anyOf !== undefined || is.anyOf !== undefined) {
      const now = is.anyOf ?? [is];
      return (was.anyOf ?? [was]).flatMap((one, i) => {
        const isThere = now.some((other) => compare(one, other, where).length === 0);
        return isThere ? [] : [`${where}: the ${ordinal(i + 1)} of its alternatives is gone or another`];
      });
    }
    if (String(was.type) !== String(is.type)) return [`${where}: was ${was.type}, is ${is.type}`];
    const [said, says] = [words(was), words(is)];
    const gone =
      says === undefined ? [] : said === undefined ? ['any text'] : said.filter((word) => !says.includes(word));
    const unsaid =
      said !== undefined && says === undefined ? [`${where}: one of several words before, any text now`] : [];
    return [
      ...gone.map((word) => `${where}: no ${word} any more`),
      ...unsaid,
      ...Object.entries(was.properties ?? {}).flatMap(([name, property]) => {
        const path = `${where}.${name}`;
        const now = is.properties?.[name];
        if (now === undefined) return [`${path}: is gone`];
        const wasAlways = was.required?.includes(name) === true && is.required?.includes(name) !== true;
        return [
          ...(wasAlways ? [`${path}: was always there, may be absent now`] : []),
          ...compare(property, now, path),
        ];
      }),
      ...(was.items === undefined ? [] : compare(was.items, is.items ?? {}, `${where}[]`)),
      ...(typeof was.additionalProperties === 'object'
        ? compare(was.additionalProperties, is.additionalProperties ?? {}, `${where}.*`)
        : []),
    ];
  };
  return compare(older, newer, '');
}
