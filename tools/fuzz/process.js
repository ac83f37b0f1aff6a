'use strict';
/** A process that fuzzes one target after the other: started by watchdog.ts, which tells it what. */
const { countersUsed } = require('./instrument.js');
const { work } = require('./work.ts');

process.on('message', (job) => {
  work(job, countersUsed).catch((error) => {
    console.error(error);
    process.exit(1);
  });
});
