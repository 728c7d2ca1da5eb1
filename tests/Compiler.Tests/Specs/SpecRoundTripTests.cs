using System.Text;
using System.Text.Json;
using Lorq.Specs;
using Lorq.Tests.Reports;

namespace Lorq.Tests.Specs;

/// <summary>What Lorq writes as a spec, it reads.</summary>
public class SpecRoundTripTests
{
    [Fact]
    public void WhatIsWrittenIsReadBackEqualAndFitsTheSchema()
    {
        using JsonDocument schema = JsonDocument.Parse(SpecDocs.Schema());
        var random = new Random(11);
        for (int round = 0; round < 1000; round++)
        {
            CompressionSpec spec = SpecSamples.Draw(random);
            string text = SpecJson.Write(spec);
            CompressionSpec again = Parse(text);
            Assert.Equal(text, SpecJson.Write(again));
            // The text leaves nothing out.
            Assert.Equal((spec.Budget, spec.Accuracy, spec.Calibration.Mask), (again.Budget, again.Accuracy, again.Calibration.Mask));
            Assert.Equal(spec.Calibration.Data, again.Calibration.Data);
            Assert.Equal(spec.Exclude, again.Exclude);
            Assert.Equal(spec.Menu.Bits, again.Menu.Bits);
            Assert.Equal(spec.Menu.Ranks, again.Menu.Ranks);
            Assert.Equal((spec.MaxLoss, spec.Menu.Decompositions.Count), (again.MaxLoss, again.Menu.Decompositions.Count));
            Assert.Equal(
                spec.Overrides.Select(o => (o.Match, o.Kind, o.Keep, o.MinBits, o.MaxBits)),
                again.Overrides.Select(o => (o.Match, o.Kind, o.Keep, o.MinBits, o.MaxBits))
            );
            using JsonDocument json = JsonDocument.Parse(text);
            Assert.Equal([], SchemaValidation.Errors(schema.RootElement, json.RootElement));
        }
    }

    private static CompressionSpec Parse(string text) => SpecParser.Parse(Encoding.UTF8.GetBytes(text), "spec.json");
}
