/** The gossip topic of these tests. */
export const TOPIC = '/eaas/31337/test/orders/1';
