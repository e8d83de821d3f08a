/** Meta's rules of templates as figures (reference: whatsapp-cloud-api, sections 4.2 and 4.3). */
export const lengths = {
  name: 512,
  header: 60,
  body: 1_024,
  footer: 60,
  buttonText: 25,
  url: 2_000,
  phoneNumber: 20,
  copyCode: 15,
} as const;

export const buttonsMax = { all: 10, QUICK_REPLY: 10, URL: 2, PHONE_NUMBER: 1, COPY_CODE: 1, OTP: 1 } as const;

export const codeExpirationMinutes = { min: 1, max: 90 } as const;

export type Category = 'MARKETING' | 'UTILITY' | 'AUTHENTICATION';

/** Seconds for which Meta tries to deliver. */
export const ttlSeconds: Readonly<Record<Category, { min: number; max: number; mayBeUnlimited: boolean }>> = {
  AUTHENTICATION: { min: 30, max: 900, mayBeUnlimited: true },
  UTILITY: { min: 30, max: 43_200, mayBeUnlimited: true },
  MARKETING: { min: 43_200, max: 2_592_000, mayBeUnlimited: false },
};

/** -1 stands for 30 days. */
export const unlimitedTtl = -1;

/** The languages that Meta takes. */
export const languages: ReadonlySet<string> = new Set(
  `af sq ar ar_EG ar_AE ar_LB ar_MA ar_QA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da prs_AF nl nl_BE en en_GB en_US
   en_AE en_AU en_CA en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_ZA et fil fi fr fr_BE fr_CA fr_CH fr_CI fr_MA
   ka de de_AT de_CH el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml mr nb ps_AF fa pl pt_BR pt_PT pa
   ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR es_DO es_EC es_HN es_MX es_PA es_PE es_ES es_UY sw sv ta te th tr uk ur
   uz vi zu`
    .split(/\s+/)
    .filter(Boolean),
);
