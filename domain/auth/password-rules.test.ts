import { expect, test } from 'vitest';
import { passwordProblem } from './password-rules.ts';

test('a password is 8 to 128 characters, counted as people count them', () => {
  expect(passwordProblem('vy4#kpq')).toContain('8 to 128');
  expect(passwordProblem('vy4#kpqz')).toBeUndefined();
  expect(passwordProblem('\u{1F511}'.repeat(7))).toBeDefined();
  for (const letter of ['\u{1F511}', 'e\u0301']) {
    expect(passwordProblem(`${letter.repeat(127)}x`)).toBeUndefined();
    expect(passwordProblem(`${letter.repeat(128)}x`)).toContain('8 to 128');
  }
});

test('no kind of character is asked for, and none is refused', () => {
  for (const password of [
    'correct horse battery',
    'gentil vento azul',
    '9274 0183 5526',
    'güneşli ağaçlık',
    '   a   b   c',
  ])
    expect(passwordProblem(password), password).toBeUndefined();
});

test('what is guessed first is refused, whatever the case and the form of its letters', () => {
  for (const password of ['password', 'PassWord1', '12345678', 'qwertyuiop', 'iloveyou', 'ｐａｓｓｗｏｒｄ'])
    expect(passwordProblem(password), password).toContain('guessed first');
});

test('what follows from its beginning is guessed first, too', () => {
  for (const password of ['aaaaaaaa', '12341234', 'abcdefgh', '87654321', 'lalalalala', 'passwordpassword'])
    expect(passwordProblem(password), password).toContain('guessed first');
  expect(passwordProblem('gentil ventogentil vento'), 'a long piece that nobody tries first').toBeUndefined();
});

test('a name that others know is no password, also with a little around it', () => {
  const ana = { name: 'Ana Clara Souza', email: 'anaclara.s@example.com', tenantNames: ['Loja Girassol'] };
  for (const password of [
    'parley2026',
    'Parley!Parley',
    'AnaClara1990',
    'girassol123',
    'Loja Girassol',
    'loja-girassol!',
    'anaclara.s',
    'AnaClara.S@example.com',
    'example.com2026',
    'souza12345678',
  ])
    expect(passwordProblem(password, ana), password).toContain('too close to a name');
  for (const password of ['ana ama correr cedo', 'girassol amarelo gigante', 'correct horse'])
    expect(passwordProblem(password, ana), password).toBeUndefined();
});
