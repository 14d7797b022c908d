/** The Containerfile is valid, and says nothing that a linter of Dockerfiles minds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';

const text = readFileSync(join(__dirname, '../../../../Containerfile'), 'utf8');

test('the Containerfile has no fault', () => {
  expect(validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)).toEqual([]);
});

test('the check finds a fault', () => {
  expect(validate(text.replace('WORKDIR /src', 'WORKDRI /src'))).not.toEqual([]);
});

test('each base image is named with its release', () => {
  const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  expect(new Set(bases)).toEqual(new Set(['docker.io/library/debian:13-slim']));
});
