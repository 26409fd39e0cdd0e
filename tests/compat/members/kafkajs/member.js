// kafkajs as a group member (tests/compat/members/protocol.py). It knows the classic protocol only, and no static members.
'use strict'

const readline = require('node:readline')
const { Kafka, logLevel } = require('kafkajs')

const [bootstrap, topic, sessionTimeout] = process.argv.slice(2)
const COMMIT_INTERVAL_MS = 1000
const LEAVE_PATIENCE_MS = 30_000
// After an error it waits for the fetches that are under way at other brokers.
const MAX_WAIT_MS = 100
// A consumer counts what fails as long as it lives, and starts anew as another member when it has failed too often: by
// default six times, each pause twice as long as the one before.
const RETRY = { initialRetryTime: 100, multiplier: 1, retries: 1000 }

function say(member, event, more) {
  process.stdout.write(JSON.stringify({ at: Date.now(), member, event, ...more }) + '\n')
}

async function join(name, group, commit) {
  const kafka = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING, retry: RETRY })
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: Number(sessionTimeout),
    heartbeatInterval: Math.min(3000, Math.floor(sessionTimeout / 6)),
    maxWaitTimeInMs: MAX_WAIT_MS,
    retry: RETRY,
  })
  // It tells nobody what is taken away: that is what it does not get again.
  let owned = []
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const before = owned
    owned = payload.memberAssignment[topic] || []
    const revoked = before.filter((partition) => !owned.includes(partition))
    if (revoked.length > 0) say(name, 'revoked', { partitions: revoked })
    say(name, 'assigned', { partitions: owned })
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => say(name, 'error', { text: String(payload.error) }))

  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: commit === 'auto',
    autoCommitInterval: COMMIT_INTERVAL_MS,
    eachBatch: async ({ batch, commitOffsetsIfNecessary }) => {
      const first = Number(batch.messages[0].offset)
      const last = Number(batch.lastOffset())
      say(name, 'records', { partition: batch.partition, first, last, count: batch.messages.length })
      if (commit !== 'manual') return
      try {
        const partitions = [{ partition: batch.partition, offset: String(last + 1) }]
        await commitOffsetsIfNecessary({ topics: [{ topic, partitions }] })
        say(name, 'committed', { offsets: { [batch.partition]: last + 1 } })
      } catch (error) {
        say(name, 'error', { text: String(error) })
      }
    },
  })
  return async () => {
    await consumer.disconnect()
    say(name, 'left')
  }
}

// Name -> a promise of the function that makes it leave.
const members = new Map()

async function leave(name) {
  const joined = members.get(name)
  members.delete(name)
  const end = await joined
  if (end) await end()
}

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [command, name, group, , commit] = line.split(' ')
    if (command === 'leave') return leave(name)
    const failed = (error) => say(name, 'error', { text: String(error) })
    members.set(name, join(name, group, commit).catch(failed))
  })
  .on('close', async () => {
    setTimeout(() => process.exit(1), LEAVE_PATIENCE_MS)
    await Promise.all([...members.keys()].map(leave))
    process.exit(0)
  })
