#!/usr/bin/env node
// The compiler kept warm for `python -m scripts.mutation`: `solc-warm.js serve SOCKET` answers, the same file without
// `serve` is the `solc` that forge calls. A fresh WebAssembly module costs three times what it compiles in.
'use strict';
const fs = require('fs');
const net = require('net');
const path = require('path');

const solcDirectory = path.resolve(__dirname, '..', '..', 'node_modules', 'solc');
const [command, ...rest] = process.argv.slice(2);

// Emscripten looks every function up again for each call that may throw.
function cacheTableLookups() {
  const { get, set } = WebAssembly.Table.prototype;
  let owner = null;
  let known = [];
  WebAssembly.Table.prototype.get = function (index) {
    if (this !== owner) [owner, known] = [this, []];
    return known[index] ?? (known[index] = get.call(this, index));
  };
  WebAssembly.Table.prototype.set = function (index, value) {
    known = [];
    return set.call(this, index, value);
  };
}

// Nobody reads the source maps of a mutant.
function answer(request) {
  const input = JSON.parse(request);
  for (const file of Object.values(input.settings.outputSelection)) {
    for (const contract of Object.keys(file)) file[contract] = file[contract].filter((name) => !name.endsWith('sourceMap'));
  }
  return require(solcDirectory).compile(JSON.stringify(input));
}

function serve(socket) {
  cacheTableLookups();
  const server = net.createServer({ allowHalfOpen: true }, (connection) => {
    const pieces = [];
    connection.on('data', (piece) => pieces.push(piece));
    connection.on('end', () => connection.end(answer(Buffer.concat(pieces).toString())));
    connection.on('error', () => {});
  });
  server.listen(socket);
}

if (command === 'serve') serve(rest[0]);
else if (command === '--version') {
  const { version } = JSON.parse(fs.readFileSync(path.join(solcDirectory, 'package.json'), 'utf8'));
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}+commit.00000000.Linux.g++\n`);
} else {
  const connection = net.connect({ path: process.env.EVENKEEL_SOLC_SOCKET, allowHalfOpen: true });
  process.stdin.pipe(connection);
  connection.pipe(process.stdout);
}
