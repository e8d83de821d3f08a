import type { Texts } from './texts.ts';

export const pt: Texts = {
  locale: 'pt-BR',
  greeting: (name) => (name === undefined ? 'Olá,' : `Olá, ${name},`),
  verifyEmail: {
    subject: 'Confirme seu endereço de e-mail',
    lines: ['Confirme que este endereço é seu, para que possamos falar com você sobre sua conta no Parley.'],
    link: 'Confirmar o endereço',
    after: ['O link vale por 3 dias. Se você não se cadastrou no Parley, ignore este e-mail.'],
  },
  resetPassword: {
    subject: 'Escolha uma nova senha',
    lines: ['Alguém, provavelmente você, pediu para escolher uma nova senha para sua conta no Parley.'],
    link: 'Escolher uma nova senha',
    after: [
      'O link vale uma única vez, por 30 minutos, e só o mais recente funciona. Depois disso, todas as sessões são encerradas.',
      'Se não foi você, ignore este e-mail: sua senha continua a mesma.',
    ],
  },
  invitation: (tenant, inviter) => ({
    subject: tenant === undefined ? 'Você recebeu um convite para o Parley' : `Convite para ${tenant} no Parley`,
    lines: [
      `${inviter ?? 'Um colega'} convida você para trabalhar ${tenant === undefined ? 'em equipe' : `com ${tenant}`} no Parley.`,
    ],
    link: 'Aceitar o convite',
    after: ['Se você não conhece quem convidou, ignore este e-mail: nada vai acontecer.'],
  }),
  notices: {
    'password-changed': {
      subject: 'Sua senha foi alterada',
      lines: ['A senha da sua conta no Parley foi alterada. Todos os outros dispositivos foram desconectados.'],
    },
    'password-reset': {
      subject: 'Sua senha foi redefinida',
      lines: [
        'Uma nova senha foi escolhida para sua conta no Parley, pelo link de um e-mail. Todos os dispositivos foram desconectados.',
      ],
    },
    'session-reused': {
      subject: 'Encerramos uma sessão por segurança',
      lines: [
        'Uma chave de uma das suas sessões no Parley foi usada pela segunda vez. Alguém pode tê-la copiado, por isso encerramos essa sessão.',
        'Entre novamente na sua conta.',
      ],
    },
    'new-place': {
      subject: 'Sua conta foi acessada de um novo lugar',
      lines: ['Alguém entrou na sua conta no Parley de um lugar e de um dispositivo que ainda não conhecíamos.'],
    },
    'many-failures': {
      subject: 'Acesso depois de muitas tentativas',
      lines: ['Alguém entrou na sua conta no Parley depois de várias tentativas com a senha errada.'],
    },
    'totp-enabled': {
      subject: 'Verificação em duas etapas ativada',
      lines: ['Sua conta no Parley agora pede um código do aplicativo autenticador quando você entra.'],
    },
    'totp-disabled': {
      subject: 'Verificação em duas etapas desativada',
      lines: ['Sua conta no Parley não pede mais um código do aplicativo autenticador quando você entra.'],
    },
    'recovery-codes-renewed': {
      subject: 'Novos códigos de recuperação',
      lines: ['Novos códigos de recuperação foram criados para sua conta no Parley. Os antigos não valem mais.'],
    },
    'recovery-code-used': {
      subject: 'Um código de recuperação foi usado',
      lines: ['Alguém entrou na sua conta no Parley com um dos seus códigos de recuperação. Ele não vale mais.'],
    },
    'google-linked': {
      subject: 'Uma conta Google foi vinculada',
      lines: ['Sua conta no Parley agora pode ser acessada com o Google.'],
    },
    'google-unlinked': {
      subject: 'Uma conta Google foi desvinculada',
      lines: ['Sua conta no Parley não pode mais ser acessada com o Google.'],
    },
    'role-changed': {
      subject: 'Sua função foi alterada',
      lines: [
        'Quem administra a sua equipe no Parley deu a você outra função. O que você pode fazer ali mudou com ela.',
      ],
      after: ['Se você não esperava por isso, fale com quem administra a equipe.'],
    },
    'member-removed': {
      subject: 'Você não faz mais parte de uma equipe no Parley',
      lines: [
        'Seu lugar em uma equipe no Parley terminou e, com ele, todas as suas sessões ali. Sua conta continua existindo.',
      ],
      after: ['Se você não esperava por isso, fale com quem administrava a equipe.'],
    },
    'api-key-reported': {
      subject: 'Uma chave de API vazada foi revogada',
      lines: [
        'Alguém avisou que uma das suas chaves de API foi encontrada em público. Ela foi revogada na hora: o programa que a usava não recebe mais respostas.',
      ],
      after: [
        'Crie uma nova chave para esse programa, descubra onde a antiga apareceu e veja no registro de auditoria o que foi feito com ela.',
      ],
    },
  },
  facts: { when: 'Quando', device: 'Dispositivo', address: 'Endereço na internet', tenant: 'Empresa' },
  notYou:
    'Se foi você, não precisa fazer nada. Se não foi, escolha uma nova senha agora mesmo e encerre todas as outras sessões.',
  footer:
    'Você recebe este e-mail por causa da sua conta no Parley. Ele trata da segurança ou do funcionamento da conta.',
};
