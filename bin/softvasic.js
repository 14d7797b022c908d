#!/usr/bin/env node
// `softvasic aft …` is a client, and loads nothing of the vASIC. Completion has the words of the line behind its own flag.
const [first, , second] = process.argv.slice(2);
const command = first === '--get-yargs-completions' ? second : first;
// Before it has its ports, too, SIGHUP is no reason to end: that would leave them half prepared.
if (command !== 'aft') process.on('SIGHUP', () => undefined);
require(command === 'aft' ? '../dist/src/shell/main.js' : '../dist/src/vasic/main.js');
