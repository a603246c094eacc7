/** Whether operators of a domain are ONNX's own. */
export function isStandard(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}
