export const campaignStatuses = [
  'DRAFT',
  'SCHEDULED',
  'LAUNCHING',
  'RUNNING',
  'PAUSED',
  'CANCELLED',
  'FINISHED',
  'FAILED',
] as const;
export type CampaignStatus = (typeof campaignStatuses)[number];
