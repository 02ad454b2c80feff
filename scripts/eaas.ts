#!/usr/bin/env node
/** The whole program: a node's commands, and those of a checkout (demo, devnet). */
import { nodeCommands } from '../node/cli/commands/all.ts';
import { runCli } from '../node/cli/program.ts';
import { demoCommand } from './demo/command.ts';
import { devnetCommand } from './devnet/command.ts';
import { imageCommand } from './image/command.ts';

await runCli(process.argv.slice(2), '0.1.0', [...nodeCommands(), demoCommand, devnetCommand, imageCommand]);
