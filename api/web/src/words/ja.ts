// Every word of the pages in Japanese; en.ts has the same ones.
// See: docs/words.md; docs/web.md

const minutes = (seconds: number): number => Math.ceil(seconds / 60);

export const ja = {
  locale: 'ja-JP',
  language: '日本語',

  pageTitle: (town: string) => `${town} 乗合のいま`,
  subtitle: '乗合タクシーのいま',
  mapTitle: '地図',
  timelineTitle: '今日の運行',
  requestsTitle: '予約のようす',
  figuresTitle: '今日の数字',
  alertsTitle: '気をつけること',
  more: (count: number) => `ほかに${count}件`,

  connected: 'つながっています',
  connecting: 'つないでいます',
  cut: (time: string | null) =>
    time === null ? 'つながりません' : `つながりません。最後は${time}の様子です`,

  clockTitle: '時計',
  clockPaused: '止めています',
  clockPause: '止める',
  clockResume: '進める',
  clockSpeed: (speed: number) => `${speed}倍`,
  clockSpeedTitle: '時間の速さ',

  toDark: '暗くする',
  toLight: '明るくする',
  settingsTitle: '表示',

  signInTitle: 'いまの町を見る',
  signInWhy: '係の方の合言葉（トークン）を入れてください。',
  signInLabel: 'トークン',
  signInButton: '見る',
  signInRefused: 'このトークンでは見られません。もう一度お確かめください。',

  loading: '読みこんでいます',
  empty: 'まだ予約の申しこみはありません',
  noVehicles: '今日走る車はありません',
  offline: 'サービスにつながりません。つながり次第、自動で続きを表示します。',
  mapFailed: '地図を描けませんでした。ほかの情報はそのままご覧になれます。',
  again: 'もう一度',

  zoomIn: '大きく',
  zoomOut: '小さく',
  wholeTown: '町全体',
  follow: '車を追う',
  mapLabel: (vehicles: number) => `町の地図。車${vehicles}台の居場所と行き先。`,
  legendWaiting: '待っている人',
  legendCall: 'これから寄る所',
  legendPickup: '迎え',
  legendDropoff: '送り',
  legendBreak: '休憩',
  legendPromise: '約束の時間',
  legendRisk: '約束に注意',

  figures: {
    booked: ['予約', '件'],
    completed: ['送り届け', '件'],
    refused: ['お断り', '件'],
    aboard: ['いま乗車中', '人'],
    kept: ['守った約束', ''],
    wait: ['平均の待ち', '分'],
    distance: ['走った距離', 'km'],
  } as Record<string, [word: string, unit: string]>,

  status: {
    off_duty: '出勤前',
    standing: '停車中',
    driving: '走行中',
    on_break: '休憩中',
    out_of_service: '運行できません',
    finished: '今日は終わり',
  } as Record<string, string>,

  state: {
    offered: '案内中',
    confirmed: '予約',
    on_board: '乗車中',
    completed: '到着',
    cancelled: '取消',
    no_show: '現れず',
    expired: '時間切れ',
    released: '取りやめ',
    broken: '運べず',
    refused: 'お断り',
  } as Record<string, string>,

  channel: { phone: '電話', web: 'ネット', line: 'LINE', counter: '窓口' } as Record<string, string>,

  aboard: (passengers: number, seats: number) => `乗客 ${passengers}／${seats}人`,
  people: (count: number) => `${count}人`,
  fromDayBefore: '前日まで',
  way: (origin: string, destination: string) => `${origin} → ${destination}`,
  vehicleIs: (name: string, status: string, aboard: string) => `${name}、${status}、${aboard}`,

  rideOffered: '時刻を案内しています。',
  rideConfirmed: (vehicle: string, earliest: string, latest: string) =>
    `${vehicle}が${earliest}〜${latest}に迎えに行きます。`,
  rideLate: (seconds: number) => `約束より${minutes(seconds)}分ほど遅れる見こみです。`,
  rideOnBoard: (vehicle: string, latest: string) => `${vehicle}に乗っています。${latest}までに着きます。`,
  rideCompleted: (vehicle: string) => `${vehicle}で送り届けました。`,
  rideEnded: {
    cancelled: '取り消しになりました。',
    no_show: '乗り場に見えませんでした。',
    expired: '案内した時間が過ぎました。',
    released: '案内を取りやめました。',
    broken: '運ぶことができませんでした。',
  } as Record<string, string>,

  callKind: { pickup: '迎え', dropoff: '送り', break: '休憩' } as Record<string, string>,
  callIs: (time: string, place: string, kind: string, done: boolean) =>
    `${time} ${place}${place && 'で'}${kind}${done ? '（済み）' : ''}`,
  breakIs: (from: string, to: string) => `${from}〜${to} 休憩`,
  promisedBetween: (earliest: string, latest: string) => `約束は${earliest}〜${latest}`,
  promisedBy: (latest: string) => `約束は${latest}まで`,
  verdict: {
    kept: '間に合います',
    tight: 'ぎりぎりです',
    late: '約束に遅れます',
  } as Record<string, string>,
  wasKept: '約束を守りました',
  wasLate: '約束に遅れました',
};

export type Words = typeof ja;
