#!/usr/bin/env node
require('../dist/src/vasic/main.js');
