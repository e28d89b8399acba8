# A second verifier, of another language and another author: Mail::DKIM of SpamAssassin.
# Usage: verify_dkim.pl NAME TXT < message; prints the result, such as "pass".
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Net::DNS::RR;

my ($name, $txt) = @ARGV;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($asked) = @_;
        return unless $asked eq $name;
        return Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => [unpack '(a255)*', $txt]);
    };
}
binmode STDIN;
my $verifier = Mail::DKIM::Verifier->new;
while (my $line = <STDIN>) { $verifier->PRINT($line) }
$verifier->CLOSE;
print $verifier->result, "\n";
