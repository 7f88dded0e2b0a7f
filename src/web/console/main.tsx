// Entry point of the console's page.

import { render } from 'preact';
import '../shared/tokens.css';
import '../shared/base.css';
import '../shared/components.css';
import '../shared/tables.css';
import './console.css';
import './lists.css';
import { startTheme } from '../shared/theme.ts';
import { App } from './app.tsx';

startTheme();
const root = document.getElementById('app');
if (root) render(<App />, root);
