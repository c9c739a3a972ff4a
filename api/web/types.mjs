// Writes src/shared/api.gen.ts out of the service's own OpenAPI document: printed by the command
// of this checkout, or read from the file that OPENAPI_FILE names.
// See: docs/web.md
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTypescript, { astToString } from 'openapi-typescript';

const COMMAND = '../../.venv/bin/noriai';
const LARGEST_BYTES = 64 * 1024 * 1024;

const file = process.env.OPENAPI_FILE;
const description = file
  ? readFileSync(file, 'utf8')
  : execFileSync(COMMAND, ['openapi'], { encoding: 'utf8', maxBuffer: LARGEST_BYTES });
const types = await openapiTypescript(JSON.parse(description));
writeFileSync('src/shared/api.gen.ts', astToString(types));
