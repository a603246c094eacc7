import type { NodeProto } from './schema/fields.ts';

/** Whether operators of a domain are ONNX's own. */
export function isStandard(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** What an operator is called in options, tables and messages. */
export function subjectOf({ domain, opType }: Pick<NodeProto, 'domain' | 'opType'>): string {
  return isStandard(domain) ? opType : `${domain}.${opType}`;
}
