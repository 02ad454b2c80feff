import type { CommandSpec } from '../program.ts';
import { auditCommand } from './audit.ts';
import { initCommand } from './init.ts';
import { insureCommand } from './insure.ts';
import { depositCommand, settleCommand, withdrawCommand } from './money.ts';
import { agreementsCommand, explainCommand, offerCommand, statusCommand } from './node-views.ts';
import { upCommand } from './up.ts';

/** Every command of a node; scripts/ adds demo and devnet. */
export function nodeCommands(): CommandSpec[] {
  return [
    initCommand,
    upCommand(),
    statusCommand,
    offerCommand,
    insureCommand,
    agreementsCommand,
    explainCommand,
    depositCommand,
    settleCommand,
    withdrawCommand,
    auditCommand,
  ];
}
