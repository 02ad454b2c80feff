import { buildModule } from '@nomicfoundation/hardhat-ignition/modules';

/** A change of the panel is announced for a week, and the panel may take a week to rule. */
export const PANEL_DELAY_SEC = 7 * 86_400;

/** Everything that one network needs. Parameters: see `Parameters` of scripts/deploy/parameters.ts. */
export const eaasModule = buildModule('EaaS', (m) => {
  const escrow = m.contract('AgreementEscrow', [m.getParameter('metaEvidence')]);
  const anchor = m.contract('DataAnchor');
  const panel = m.contract('PanelArbitrator', [
    m.getParameter('members'),
    m.getParameter('threshold'),
    m.getParameter('feeGwei'),
    PANEL_DELAY_SEC,
    PANEL_DELAY_SEC,
  ]);
  return { escrow, anchor, panel };
});
