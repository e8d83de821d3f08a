import type { Texts } from './texts.ts';

export const ms: Texts = {
  locale: 'ms-MY',
  greeting: (name) => (name === undefined ? 'Helo,' : `Helo ${name},`),
  verifyEmail: {
    subject: 'Sahkan alamat e-mel anda',
    lines: ['Sila sahkan bahawa alamat ini milik anda, supaya kami dapat menghubungi anda tentang akaun Parley anda.'],
    link: 'Sahkan alamat',
    after: ['Pautan ini sah selama 3 hari. Jika anda tidak mendaftar di Parley, abaikan e-mel ini.'],
  },
  resetPassword: {
    subject: 'Pilih kata laluan baharu',
    lines: ['Seseorang, mungkin anda, meminta untuk memilih kata laluan baharu bagi akaun Parley anda.'],
    link: 'Pilih kata laluan baharu',
    after: [
      'Pautan ini sah sekali sahaja, selama 30 minit, dan hanya pautan terbaharu berfungsi. Selepas itu semua sesi anda ditamatkan.',
      'Jika bukan anda, abaikan e-mel ini: kata laluan anda tidak berubah.',
    ],
  },
  invitation: (tenant, inviter) => ({
    subject: tenant === undefined ? 'Anda dijemput ke Parley' : `Anda dijemput menyertai ${tenant} di Parley`,
    lines: [
      `${inviter ?? 'Seorang rakan sekerja'} menjemput anda bekerja ${tenant === undefined ? 'bersama' : `untuk ${tenant}`} di Parley.`,
    ],
    link: 'Terima jemputan',
    after: ['Jika anda tidak mengenali penjemput, abaikan e-mel ini: tiada apa-apa akan berlaku.'],
  }),
  notices: {
    'password-changed': {
      subject: 'Kata laluan anda telah ditukar',
      lines: ['Kata laluan akaun Parley anda telah ditukar. Semua peranti lain telah dilog keluar.'],
    },
    'password-reset': {
      subject: 'Kata laluan anda telah ditetapkan semula',
      lines: [
        'Kata laluan baharu telah dipilih bagi akaun Parley anda melalui pautan dalam e-mel. Semua peranti telah dilog keluar.',
      ],
    },
    'session-reused': {
      subject: 'Satu sesi ditamatkan demi keselamatan anda',
      lines: [
        'Kunci kepada salah satu sesi Parley anda telah digunakan buat kali kedua. Seseorang mungkin telah menyalinnya, jadi kami menamatkan sesi itu.',
        'Sila log masuk semula.',
      ],
    },
    'new-place': {
      subject: 'Akaun anda dibuka dari tempat baharu',
      lines: [
        'Seseorang telah log masuk ke akaun Parley anda dari tempat dan peranti yang belum pernah kami lihat bersama anda.',
      ],
    },
    'many-failures': {
      subject: 'Log masuk selepas banyak cubaan gagal',
      lines: ['Seseorang telah log masuk ke akaun Parley anda selepas beberapa cubaan dengan kata laluan yang salah.'],
    },
    'totp-enabled': {
      subject: 'Log masuk dua langkah dihidupkan',
      lines: ['Akaun Parley anda kini meminta kod daripada aplikasi pengesah anda semasa log masuk.'],
    },
    'totp-disabled': {
      subject: 'Log masuk dua langkah dimatikan',
      lines: ['Akaun Parley anda tidak lagi meminta kod daripada aplikasi pengesah semasa log masuk.'],
    },
    'recovery-codes-renewed': {
      subject: 'Kod pemulihan baharu',
      lines: ['Kod pemulihan baharu telah dibuat bagi akaun Parley anda. Kod lama tidak lagi berfungsi.'],
    },
    'recovery-code-used': {
      subject: 'Satu kod pemulihan telah digunakan',
      lines: [
        'Seseorang telah log masuk ke akaun Parley anda dengan salah satu kod pemulihan anda. Kod itu tidak boleh digunakan lagi.',
      ],
    },
    'google-linked': {
      subject: 'Akaun Google telah dipautkan',
      lines: ['Akaun Parley anda kini boleh dibuka dengan log masuk melalui Google.'],
    },
    'google-unlinked': {
      subject: 'Pautan akaun Google telah dibuang',
      lines: ['Akaun Parley anda tidak lagi boleh dibuka dengan log masuk melalui Google.'],
    },
    'role-changed': {
      subject: 'Peranan anda telah diubah',
      lines: [
        'Seseorang yang mengurus pasukan anda di Parley memberi anda peranan lain. Apa yang boleh anda lakukan di sana turut berubah.',
      ],
      after: ['Jika anda tidak menjangkakannya, tanya orang yang mengurus pasukan anda.'],
    },
    'member-removed': {
      subject: 'Anda tidak lagi bekerja untuk satu pasukan di Parley',
      lines: [
        'Tempat anda dalam satu pasukan di Parley telah tamat, bersama semua sesi anda di sana. Akaun anda kekal.',
      ],
      after: ['Jika anda tidak menjangkakannya, tanya orang yang mengurus pasukan itu.'],
    },
    'api-key-reported': {
      subject: 'Kunci API yang bocor telah dibatalkan',
      lines: [
        'Seseorang melaporkan bahawa salah satu kunci API anda ditemui di tempat awam. Kunci itu dibatalkan serta-merta: program yang menggunakannya tidak lagi mendapat jawapan.',
      ],
      after: [
        'Buat kunci baharu untuk program itu, cari tahu di mana kunci lama dilihat, dan semak log audit untuk apa yang dilakukan dengannya.',
      ],
    },
  },
  facts: { when: 'Bila', device: 'Peranti', address: 'Alamat internet', tenant: 'Perniagaan' },
  notYou:
    'Jika ini anda, tiada apa-apa perlu dilakukan. Jika bukan, pilih kata laluan baharu dengan segera dan tamatkan semua sesi lain.',
  footer: 'Anda menerima e-mel ini kerana akaun Parley anda. Ia mengenai keselamatan atau fungsi akaun itu.',
};
