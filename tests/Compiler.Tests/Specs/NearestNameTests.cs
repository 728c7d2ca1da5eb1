using Lorq.Specs;

namespace Lorq.Tests.Specs;

public class NearestNameTests
{
    [Theory]
    [InlineData("budgt", "budget")]
    [InlineData("Budget", "budget")]
    [InlineData("tagret", "target")]
    [InlineData("calibraton", "calibration")]
    [InlineData("xy", "budget", false)]
    [InlineData("calendar", "calibration", false)]
    public void TheNearestNameIsFound(string name, string meant, bool found = true)
    {
        string[] known = ["budget", "target", "calibration"];
        Assert.Equal(found ? meant : null, NearestName.Find(name, known));
        Assert.Equal(found ? $"did you mean '{meant}'?" : "there are budget, target, calibration.", NearestName.Hint(name, known));
    }

    [Fact]
    public void NothingIsNearWithoutNames() => Assert.Null(NearestName.Find("a", []));
}
