#!/usr/bin/env node
import { Command, Help, type Option } from 'commander';
import { packageVersion } from '../node/version.ts';
import { runCommand } from '../terminal/failure.ts';
import { addAdaptersCommand } from './commands/adapters.ts';
import { addBenchCommand } from './commands/bench.ts';
import { addClassifyCommand } from './commands/classify.ts';
import { addConvertCommand } from './commands/convert.ts';
import { addDetectCommand } from './commands/detect.ts';
import { addDownloadCommand } from './commands/download.ts';
import { addEmbedCommand } from './commands/embed.ts';
import { addEvaluateCommand } from './commands/evaluate.ts';
import { addExportCommand } from './commands/export.ts';
import { addInspectCommand } from './commands/inspect.ts';
import { addModelsCommand } from './commands/models.ts';
import { addProfileCommand } from './commands/profile.ts';
import { addRunCommand } from './commands/run.ts';
import { addSegmentCommand } from './commands/segment.ts';
import { addTuneCommand } from './commands/tune.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { withPackages } from './npx.ts';

const program = new Command('tilewise')
  .description('Convnets on WebGPU: classify images, run, measure and inspect models.')
  .version(packageVersion())
  .configureHelp({ optionDescription: describeOption })
  .showHelpAfterError('(run with --help for the options)');

addClassifyCommand(program);
addEvaluateCommand(program);
addEmbedCommand(program);
addDownloadCommand(program);
addSegmentCommand(program);
addDetectCommand(program);
addRunCommand(program);
addExportCommand(program);
addConvertCommand(program);
addBenchCommand(program);
addAdaptersCommand(program);
addModelsCommand(program);
addInspectCommand(program);
addProfileCommand(program);
addTuneCommand(program);
addVerifyCommand(program);

await runCommand(() => withPackages(() => program.parseAsync()));

/** As always, and whether the command does without it. */
function describeOption(option: Option): string {
  const description = new Help().optionDescription(option);
  return option.mandatory && option.defaultValue === undefined
    ? `${description} (required)`
    : description;
}
