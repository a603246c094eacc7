/** What public symbols lack besides a description, which TypeDoc looks for itself. */
import {
  type CommentTag,
  type DeclarationReflection,
  type ProjectReflection,
  ReflectionKind,
  type SignatureReflection,
} from 'typedoc';

/**
 * A line for each lack. Parameters are described everywhere; functions and static methods, which check their arguments,
 * say what they throw; functions, classes and constants of the entries have an example, and so have methods of classes
 * that take something. Methods of interfaces are for programs to write.
 */
export function missingParts(project: ProjectReflection): readonly string[] {
  const modules = project.getChildrenByKind(ReflectionKind.Module);
  return modules.flatMap((module) =>
    (module.children ?? []).flatMap((symbol) => [
      ...parts(symbol),
      ...(symbol.children ?? []).flatMap(partsOfMember),
    ]),
  );
}

function parts(symbol: DeclarationReflection): readonly string[] {
  const name = `${symbol.parent?.name} ${symbol.name}`;
  const signatures = symbol.signatures ?? [];
  const lacks = signatures.flatMap((signature) => [
    ...parameters(name, signature),
    ...(takesSomething(signature) ? lackOf(name, signature, '@throws') : []),
  ]);
  const shown = ReflectionKind.Function | ReflectionKind.Class | ReflectionKind.Variable;
  const described = signatures[0] ?? symbol;
  return symbol.kindOf(shown) ? [...lacks, ...lackOf(name, described, '@example')] : lacks;
}

function partsOfMember(member: DeclarationReflection): readonly string[] {
  if (member.inheritedFrom) return [];
  const name = `${member.parent?.name}.${member.name}`;
  return (member.kindOf(ReflectionKind.Method) ? (member.signatures ?? []) : []).flatMap(
    (signature) => [
      ...parameters(name, signature),
      ...(member.flags.isStatic && takesSomething(signature)
        ? lackOf(name, signature, '@throws')
        : []),
      ...(member.parent?.kindOf(ReflectionKind.Class) && takesSomething(signature)
        ? lackOf(name, signature, '@example')
        : []),
    ],
  );
}

function takesSomething({ parameters }: SignatureReflection): boolean {
  return (parameters ?? []).length > 0;
}

function parameters(name: string, signature: SignatureReflection): readonly string[] {
  return (signature.parameters ?? [])
    .filter(({ comment }) => !comment?.hasVisibleComponent())
    .map((parameter) => `${name}: the parameter ${parameter.name} has no description`);
}

function lackOf(
  name: string,
  { comment }: DeclarationReflection | SignatureReflection,
  tag: CommentTag['tag'],
): readonly string[] {
  return comment?.getTag(tag) ? [] : [`${name} has no ${tag}`];
}
