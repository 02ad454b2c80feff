import { EdgeError } from '../../market/errors.ts';

export function passwordWrong(file: string): EdgeError<'KEYSTORE_PASSWORD_WRONG'> {
  return new EdgeError('KEYSTORE_PASSWORD_WRONG', `The password does not open ${file}.`, {
    context: { file },
    remedy: 'Try again; check keystore.passwordFile in the configuration. A lost password cannot be recovered.',
  });
}

export function keystoreCorrupt(file: string, reason: string): EdgeError<'KEYSTORE_CORRUPT'> {
  return new EdgeError('KEYSTORE_CORRUPT', `The keystore ${file} cannot be read: ${reason}.`, {
    context: { file },
    remedy: 'Restore the file from its backup.',
  });
}
