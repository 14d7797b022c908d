#!/usr/bin/env node
// A daemon that gets SIGHUP while it is being loaded reads its configuration after that anyway: it doesn't end by it.
if (['run', 'punt'].includes(process.argv[2])) process.on('SIGHUP', () => undefined);
require('../dist/src/main.js');
