import { buildModule } from '@nomicfoundation/hardhat-ignition/modules';
import { META_EVIDENCE } from './local.ts';

const DAY_SEC = 86_400;

/** Everything that one network needs. Parameters: see `Parameters` of scripts/deploy.ts. */
export const eaasModule = buildModule('EaaS', (m) => {
  const escrow = m.contract('AgreementEscrow', [m.getParameter('metaEvidence', META_EVIDENCE)]);
  const anchor = m.contract('DataAnchor');
  const panel = m.contract('PanelArbitrator', [
    m.getParameter('members'),
    m.getParameter('threshold'),
    m.getParameter('feeGwei'),
    m.getParameter('changeDelaySec', 7 * DAY_SEC),
    m.getParameter('rulingTimeoutSec', 7 * DAY_SEC),
  ]);
  return { escrow, anchor, panel };
});
