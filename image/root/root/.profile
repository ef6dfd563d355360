PS1='\h:\w\$ '
alias ls='ls --color=auto' ll='ls -la'
HISTFILE=
