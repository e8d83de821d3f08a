import type { Texts } from './texts.ts';

export const tr: Texts = {
  locale: 'tr',
  greeting: (name) => (name === undefined ? 'Merhaba,' : `Merhaba ${name},`),
  verifyEmail: {
    subject: 'E-posta adresinizi doğrulayın',
    lines: ['Parley hesabınızla ilgili size ulaşabilmemiz için bu adresin size ait olduğunu lütfen doğrulayın.'],
    link: 'Adresi doğrula',
    after: ['Bağlantı 3 gün geçerlidir. Parley’e kaydolmadıysanız bu e-postayı dikkate almayın.'],
  },
  resetPassword: {
    subject: 'Yeni bir parola seçin',
    lines: ['Birisi, büyük olasılıkla siz, Parley hesabınız için yeni bir parola seçmek istedi.'],
    link: 'Yeni parola seç',
    after: [
      'Bağlantı yalnızca bir kez ve 30 dakika boyunca geçerlidir; sadece en yenisi çalışır. Ardından tüm oturumlarınız kapatılır.',
      'Bunu siz istemediyseniz bu e-postayı dikkate almayın: parolanız değişmez.',
    ],
  },
  invitation: (tenant, inviter) => ({
    subject: tenant === undefined ? 'Parley’e davet edildiniz' : `Parley’de ${tenant} ekibine davet edildiniz`,
    lines: [
      `${inviter ?? 'Bir meslektaşınız'} sizi Parley’de ${tenant === undefined ? 'birlikte çalışmaya' : `${tenant} ekibinde çalışmaya`} davet ediyor.`,
    ],
    link: 'Daveti kabul et',
    after: ['Sizi kimin davet ettiğini bilmiyorsanız bu e-postayı dikkate almayın: hiçbir şey olmaz.'],
  }),
  notices: {
    'password-changed': {
      subject: 'Parolanız değiştirildi',
      lines: ['Parley hesabınızın parolası değiştirildi. Diğer tüm cihazların oturumu kapatıldı.'],
    },
    'password-reset': {
      subject: 'Parolanız sıfırlandı',
      lines: [
        'Bir e-postadaki bağlantıyla Parley hesabınız için yeni bir parola seçildi. Tüm cihazların oturumu kapatıldı.',
      ],
    },
    'session-reused': {
      subject: 'Güvenliğiniz için bir oturum kapatıldı',
      lines: [
        'Parley oturumlarınızdan birinin anahtarı ikinci kez kullanıldı. Birisi onu kopyalamış olabilir; bu yüzden o oturumu kapattık.',
        'Lütfen yeniden giriş yapın.',
      ],
    },
    'new-place': {
      subject: 'Hesabınıza yeni bir yerden girildi',
      lines: ['Birisi Parley hesabınıza daha önce sizde görmediğimiz bir yerden ve cihazdan giriş yaptı.'],
    },
    'many-failures': {
      subject: 'Çok sayıda hatalı denemeden sonra giriş',
      lines: ['Birisi yanlış parolayla yapılan birçok denemeden sonra Parley hesabınıza giriş yaptı.'],
    },
    'totp-enabled': {
      subject: 'İki adımlı giriş açıldı',
      lines: ['Parley hesabınız artık girişte kimlik doğrulama uygulamanızdan bir kod istiyor.'],
    },
    'totp-disabled': {
      subject: 'İki adımlı giriş kapatıldı',
      lines: ['Parley hesabınız artık girişte kimlik doğrulama uygulamasından kod istemiyor.'],
    },
    'recovery-codes-renewed': {
      subject: 'Yeni kurtarma kodları',
      lines: ['Parley hesabınız için yeni kurtarma kodları oluşturuldu. Eskileri artık geçerli değil.'],
    },
    'recovery-code-used': {
      subject: 'Bir kurtarma kodu kullanıldı',
      lines: ['Birisi kurtarma kodlarınızdan biriyle Parley hesabınıza giriş yaptı. Bu kod bir daha kullanılamaz.'],
    },
    'google-linked': {
      subject: 'Bir Google hesabı bağlandı',
      lines: ['Parley hesabınız artık Google ile giriş yapılarak açılabilir.'],
    },
    'google-unlinked': {
      subject: 'Bir Google hesabının bağlantısı kaldırıldı',
      lines: ['Parley hesabınız artık Google ile giriş yapılarak açılamaz.'],
    },
    'role-changed': {
      subject: 'Rolünüz değişti',
      lines: [
        'Parley’deki ekibinizi yöneten biri size başka bir rol verdi. Orada yapabilecekleriniz de buna göre değişti.',
      ],
      after: ['Bunu beklemiyorsanız ekibinizi yöneten kişiye sorun.'],
    },
    'member-removed': {
      subject: 'Artık Parley’deki bir ekipte değilsiniz',
      lines: ['Parley’deki bir ekipteki yeriniz ve oradaki tüm oturumlarınız sona erdi. Hesabınız duruyor.'],
      after: ['Bunu beklemiyorsanız ekibi yöneten kişiye sorun.'],
    },
    'api-key-reported': {
      subject: 'Sızan bir API anahtarı iptal edildi',
      lines: [
        'Biri, API anahtarlarınızdan birinin herkese açık bir yerde bulunduğunu bildirdi. Anahtar hemen iptal edildi: onu kullanan program artık yanıt almıyor.',
      ],
      after: [
        'O program için yeni bir anahtar oluşturun, eskisinin nerede görüldüğünü bulun ve onunla ne yapıldığına denetim kaydından bakın.',
      ],
    },
  },
  facts: { when: 'Ne zaman', device: 'Cihaz', address: 'İnternet adresi', tenant: 'İşletme' },
  notYou:
    'Bu siz idiyseniz bir şey yapmanıza gerek yok. Değilse hemen yeni bir parola seçin ve diğer tüm oturumları kapatın.',
  footer: 'Bu e-postayı Parley hesabınız nedeniyle alıyorsunuz. Hesabın güvenliği veya işleyişi hakkındadır.',
};
