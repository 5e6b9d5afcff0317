// Validate the state machines by asl-validator and play the cases in aws-local-stepfunctions: `node judge.mjs FILE`, in the
// folder where both packages are installed. FILE is what tests/judges/scenarios.py writes.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

const INTERPRETER = 'aws-local-stepfunctions'

// Node has it from version 22 on.
Promise.withResolvers ??= () => {
  const made = {}
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}

const require = createRequire(resolve('package.json'))
const validate = require('asl-validator')
const { StateMachine } = require(INTERPRETER)
const copy = (value) => JSON.parse(JSON.stringify(value))

function states(processor) {
  return Object.entries(processor.States).flatMap(([name, state]) => [
    [name, state],
    ...[state.ItemProcessor, ...(state.Branches ?? [])].filter(Boolean).flatMap(states)
  ])
}

// Return a task that gives its answers in turn, and notes each call and what was sent with it.
function task(name, answers, calls) {
  const left = [...answers]
  return async (input) => {
    calls.push([name, copy(input)])
    const next = left.findIndex((answer) => JSON.stringify(input).includes(answer.given ?? ''))
    if (next < 0) throw new Error(`${name} was called more often than it has answers`)
    const [answer] = left.splice(next, 1)
    if (!answer.throw) return copy(answer.return)
    const error = new Error(answer.cause ?? '')
    error.name = answer.throw
    throw error
  }
}

// Return what became of a case, in the form of its `calls`, `sent` and `end`.
async function play(definition, { input, tasks }) {
  const all = states(definition)
  const named = all.filter(([, state]) => state.Type === 'Task')
  const waits = all.filter(([, state]) => state.Type === 'Wait')
  const calls = []
  const overrides = {
    taskResourceLocalHandlers: Object.fromEntries(named.map(([name]) => [name, task(name, tasks[name] ?? [], calls)])),
    waitTimeOverrides: Object.fromEntries(waits.map(([name]) => [name, 0])),
    retryIntervalOverrides: Object.fromEntries(named.map(([name]) => [name, 0]))
  }
  // asl-validator has validated it, once.
  const machine = new StateMachine(copy(definition), { validationOptions: { noValidate: true } })
  let end
  try {
    end = { output: await machine.run(copy(input), { overrides }).result }
  } catch ({ cause }) {
    end = { error: cause.name, cause: cause.message }
  }
  const runs = []
  for (const [name] of calls) {
    if (runs.at(-1)?.[0] === name) runs.at(-1)[1] += 1
    else runs.push([name, 1])
  }
  return { calls: runs, sent: Object.fromEntries(calls), end }
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

// Return each difference between what became of a case and what must.
function differences(found, { calls, sent, end }) {
  const wanted = [['calls', found.calls, calls]]
  for (const [key, value] of Object.entries(end)) {
    const text = typeof value === 'string'
    wanted.push([key, key === 'cause' && !text ? parsed(found.end.cause) : found.end[key], value])
  }
  for (const [name, parameters] of Object.entries(sent)) {
    for (const [key, value] of Object.entries(parameters)) wanted.push([`${name} ${key}`, found.sent[name]?.[key], value])
  }
  if ('output' in found.end && 'error' in end) wanted.push(['end', found.end, end])
  return wanted
    .filter(([, is, must]) => !isDeepStrictEqual(is, must))
    .map(([what, is, must]) => `${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(must)}`)
}

const { machines, cases } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const problems = []
for (const [name, definition] of Object.entries(machines)) {
  const { isValid, errorsText } = validate(copy(definition))
  if (!isValid) problems.push(`${name} is not valid: ${errorsText('; ')}`)
}
let leftOut = 0
for (const one of cases) {
  const found = differences(await play(machines[one.machine], one), one)
  const reason = one.left_out[INTERPRETER]
  if (reason) {
    leftOut += 1
    console.log(`Left out: ${one.name}: ${reason}.`)
    if (!found.length) problems.push(`${one.name}: it is left out, but ends as expected`)
  } else problems.push(...found.map((difference) => `${one.name}: ${difference}`))
}
for (const problem of problems) console.error(problem)
console.log(`asl-validator: ${Object.keys(machines).length} definitions.`)
console.log(`${INTERPRETER}: ${cases.length - leftOut} scenarios, ${leftOut} left out.`)
console.log(problems.length ? `${problems.length} problems.` : 'All as expected.')
process.exitCode = problems.length ? 1 : 0
