using System.Text.RegularExpressions;
using CsCheck;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Tests.Specs;

public class GlobMatcherTests
{
    [Fact]
    public void MatchesAsTheSameRegularExpressionDoes()
    {
        Gen<string> pattern = Gen.OneOfConst('a', 'b', '.', '[', '*', '?').Array[0, 7].Select(c => new string(c));
        Gen<string> name = Gen.OneOfConst('a', 'b', 'A', '.', '[').Array[1, 8].Select(c => new string(c));
        Gen.Select(pattern, name)
            .Where(pair => pair.Item1.Length > 0)
            .Sample(pair =>
            {
                string expression = "^" + Regex.Escape(pair.Item1).Replace("\\*", ".*").Replace("\\?", ".") + "$";
                return GlobMatcher.Matches(pair.Item1, [pair.Item2]) == Regex.IsMatch(pair.Item2, expression);
            });
    }

    [Theory]
    [InlineData("*")]
    [InlineData("**")]
    [InlineData("")]
    public void NoNameFitsNoPattern(string pattern) => Assert.False(GlobMatcher.Matches(pattern, [""]));

    [Fact]
    public void BackslashTakesTheNextCharacterAsItIs()
    {
        Assert.True(GlobMatcher.Matches(@"a\*b", ["a*b"]));
        Assert.False(GlobMatcher.Matches(@"a\*b", ["axb"]));
    }

    [Fact]
    public void NamesWhatFitsNothing()
    {
        GlobMatcher.RequireMatch("*.weight", ["x", "fc.weight"]);
        LorqException e = Assert.Throws<LorqException>(() => GlobMatcher.RequireMatch("*.wieght", ["x", "fc.weight"]));
        Assert.Equal("LORQ0301", e.Diagnostic.Id);
        Assert.Contains("'*.wieght'", e.Message);
    }

    [Fact]
    public void ManyStarsDoNotBlowUp()
    {
        TimeSpan before = ThreadClock.Now;
        Assert.False(GlobMatcher.Matches(string.Concat(Enumerable.Repeat("*a", 40)) + "b", [new string('a', 2000)]));
        Assert.InRange((ThreadClock.Now - before).TotalSeconds, 0, 2);
    }
}
