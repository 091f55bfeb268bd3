#!/usr/bin/env node
// The executable `solc` that Brownie and forge expect, answered by the npm build of the compiler.
//
// Only what those tools really call is here: `--version`, and `--standard-json` with sources on standard input
// plus `--base-path` / `--include-path` / `--allow-paths`. Anything else exits 2 so that a new need is seen at once.
'use strict';
const fs = require('fs');
const path = require('path');

const solcDirectory = path.resolve(__dirname, '..', '..', 'node_modules', 'solc');

function fail(message) {
  process.stderr.write(`solc (npm): ${message}\n`);
  process.exit(2);
}

// Reading package.json avoids instantiating the 9 MB WebAssembly module for a version query.
function versionLine() {
  const { version } = JSON.parse(fs.readFileSync(path.join(solcDirectory, 'package.json'), 'utf8'));
  return `solc, the solidity compiler commandline interface\nVersion: ${version}+commit.00000000.Linux.g++\n`;
}

function parseArguments(argv) {
  const options = { basePath: process.cwd(), includePaths: [], standardJson: false, version: false };
  for (let i = 0; i < argv.length; i++) {
    const [flag, inline] = argv[i].split(/=(.*)/s);
    const value = () => (inline !== undefined ? inline : argv[++i]);
    if (flag === '--version' || flag === '-V') options.version = true;
    else if (flag === '--standard-json') options.standardJson = true;
    else if (flag === '--base-path') options.basePath = path.resolve(value());
    else if (flag === '--include-path') options.includePaths.push(path.resolve(value()));
    else if (flag === '--allow-paths') value(); // npm solc reads through the callback below; nothing to allow
    else if (flag !== '-') fail(`unsupported argument ${argv[i]}`);
  }
  return options;
}

function importReader(options) {
  return (requested) => {
    const name = requested.startsWith('file://') ? requested.slice('file://'.length) : requested;
    for (const root of [options.basePath, ...options.includePaths]) {
      const candidate = path.resolve(root, name);
      if (fs.existsSync(candidate)) return { contents: fs.readFileSync(candidate, 'utf8') };
    }
    return { error: `File not found: ${requested}` };
  };
}

// A pipe takes a large output in pieces; EAGAIN means the reader is still busy with the last one.
function writeAll(text) {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += fs.writeSync(1, bytes, offset);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

const options = parseArguments(process.argv.slice(2));
if (options.version) writeAll(versionLine());
else if (options.standardJson) {
  const compiled = require(solcDirectory).compile(fs.readFileSync(0, 'utf8'), { import: importReader(options) });
  writeAll(`${compiled}\n`);
} else fail('nothing to do: pass --version or --standard-json');
