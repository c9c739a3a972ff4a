// The look of every page: its type and its style. See: docs/web.md
import '@fontsource/biz-udpgothic/400.css';
import '@fontsource/biz-udpgothic/700.css';
import './base.css';
