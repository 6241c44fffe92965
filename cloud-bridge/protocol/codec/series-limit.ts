/**
 * Series of one gateway, at both ends: 1,000 switches of 48 ports and 20 columns, with room for their slower tables. A device's own bound is far below
 * (settings.maxSeries). The NOC sets aside what is beyond, so its bound must not be lower than what a gateway sends.
 */
export const maxGatewaySeries = 1_200_000;
