#!/usr/bin/env node
// `softvasic aft …` is a client, and loads nothing of the vASIC. Completion has the words of the line behind its own flag.
const [first, , second] = process.argv.slice(2);
const command = first === '--get-yargs-completions' ? second : first;
require(command === 'aft' ? '../dist/src/shell/main.js' : '../dist/src/vasic/main.js');
