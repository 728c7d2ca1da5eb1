using System.Globalization;
using System.Xml.Linq;
using Lorq.Tests.Models;

namespace Lorq.Tests.Cli;

public class SweepTests
{
    [Fact]
    public void TheFrontIsTheSameInTableAndPicture()
    {
        using var folder = new TemporaryFolder();
        string model = folder.Write(Fixture.Linear(256, 64));
        (string csv, string svg) = (folder.File("front.csv"), folder.File("front.svg"));
        (int code, _, string error) = LorqProcess.Run(["sweep", model, "--points", "9", "--csv", csv, "--svg", svg, "-q"]);
        Assert.Equal((0, ""), (code, error));
        double[] losses =
        [
            .. File.ReadLines(csv)
                .Where(l => l.StartsWith("best,"))
                .Select(l => double.Parse(l.Split(',')[3], CultureInfo.InvariantCulture)),
        ];
        Assert.True(losses.Length > 3);
        XElement picture = XElement.Load(svg);
        string line = picture
            .Element(picture.Name.Namespace + "svg")!
            .Descendants()
            .Single(e => (string?)e.Attribute("class") == "front-line")
            .Attribute("d")!
            .Value;
        // What loses nothing has no place on a logarithmic axis.
        Assert.Equal(losses.Count(l => l > 0), line.Split('M', 'L').Length - 1);
    }
}
