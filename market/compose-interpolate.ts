/** A text with its variables filled in, and what could not be. */
export interface Interpolated {
  value: string;
  missing: string[];
  /** The first `$` that starts no variable, with what follows; null when there is none. */
  malformed: string | null;
}

const VARIABLE = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?-)([^}]*))?\})/g;

/**
 * Fills in `$VAR`, `${VAR}`, `${VAR:-default}` (default when unset or empty) and `${VAR-default}` (when unset) as
 * Compose does; `$$` is a dollar sign. Defaults are taken as they are: they cannot hold variables themselves.
 */
export function interpolate(text: string, env: Record<string, string>): Interpolated {
  const missing: string[] = [];
  const value = text.replace(VARIABLE, (_match, dollar, bare, braced, operator, fallback) => {
    if (dollar !== undefined) return '$';
    const name: string = bare ?? braced;
    const set = Object.hasOwn(env, name) ? env[name] : undefined;
    if (set !== undefined && !(set === '' && operator === ':-')) return set;
    if (operator !== undefined) return fallback;
    missing.push(name);
    return '';
  });
  const rest = text.replace(VARIABLE, '');
  const at = rest.indexOf('$');
  return { value, missing, malformed: at < 0 ? null : rest.slice(at, at + 24) };
}
